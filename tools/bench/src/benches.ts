import { benchAllocation } from './allocation.js';
import type { Bench } from './bench.js';

/** Every bench, in the order in which `npm run bench` runs them. Add yours here. */
export const BENCHES: readonly Bench[] = [benchAllocation];
