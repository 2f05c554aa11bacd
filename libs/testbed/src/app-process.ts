import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManagedProcess, type ReadinessProbe } from './managed-process.js';
import { type Configuration, mergeConfig } from './process-configs.js';
import type { Surroundings } from './surroundings.js';

/** The product's processes. */
export type AppName = 'master' | 'agent' | 'ipam' | 'docker-ipam' | 'dataplane';

/** Where and how one of them runs. */
export interface AppSpec {
  readonly app: AppName;
  /** Whose it is, for messages: `h1`. */
  readonly owner: string;
  /** Folder for its configuration and log. */
  readonly folder: string;
  /** Enters its namespace; empty for the root namespace. */
  readonly enter: readonly string[];
  readonly config: Configuration;
  readonly listening: ReadinessProbe;
  readonly ready: ReadinessProbe;
}

/** A process of the product, run from `bin/` with a configuration file of its own. */
export class AppProcess extends ManagedProcess {
  readonly configFile: string;
  #config: Configuration;

  constructor(around: Surroundings, spec: AppSpec) {
    const configFile = join(spec.folder, `${spec.app}.json`);
    super({
      name: `${spec.owner} overlay-${spec.app}`,
      argv: [...spec.enter, join(around.repository, 'bin', `overlay-${spec.app}`), '--config', configFile],
      env: around.env,
      logFile: join(spec.folder, `${spec.app}.log`),
      listening: spec.listening,
      ready: spec.ready,
    });
    this.configFile = configFile;
    this.#config = spec.config;
    mkdirSync(spec.folder, { recursive: true });
    this.configure({});
  }

  /** The configuration as it stands in the file. */
  get config(): Configuration {
    return this.#config;
  }

  /** Changes keys of the configuration file (deep merge, `undefined` removes); the next start reads it. */
  configure(patch: Configuration): void {
    this.#config = mergeConfig(this.#config, patch);
    writeFileSync(this.configFile, `${JSON.stringify(this.#config, null, 2)}\n`);
  }
}
