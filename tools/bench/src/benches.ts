import { benchAllocation } from './allocation.js';
import type { Bench } from './bench.js';
import { benchDataplane } from './dataplane.js';
import { benchIpam } from './ipam.js';
import { benchLog } from './log.js';

/** Every bench, in the order in which `npm run bench` runs them. Add yours here. */
export const BENCHES: readonly Bench[] = [benchAllocation, benchIpam, benchLog, benchDataplane];
