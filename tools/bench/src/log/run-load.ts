import { measureLoad, type RegistrationLoad } from './registration-load.js';

/** The load as a process of its own: its one argument is the load as JSON, its output the result. */
const load = JSON.parse(process.argv[2] ?? '') as RegistrationLoad;
process.stdout.write(JSON.stringify(await measureLoad(load)));
