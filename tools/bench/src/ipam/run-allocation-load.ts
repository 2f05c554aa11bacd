import { type AllocationLoad, measureAllocationLoad } from './allocation-load.js';

/** The load as a process of its own: its one argument is the load as JSON, its output the pairs per second. */
const load = JSON.parse(process.argv[2] ?? '') as AllocationLoad;
process.stdout.write(JSON.stringify(await measureAllocationLoad(load)));
