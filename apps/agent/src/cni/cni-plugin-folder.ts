import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** The folder where the container runtimes find CNI plugins. */
export interface CniPluginFolder {
  /** Whether a plugin of that name is there and can be run. */
  has(plugin: string): Promise<boolean>;
}

/** A folder on disk; looked at anew each time, for plugins come and go with packages. */
export class FileCniPluginFolder implements CniPluginFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async has(plugin: string): Promise<boolean> {
    return access(join(this.#path, plugin), constants.X_OK).then(
      () => true,
      () => false,
    );
  }
}
