import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { runOrFail } from './command.js';
import { ManagedProcess } from './managed-process.js';
import type { Surroundings } from './surroundings.js';

const HOLDER = ['sleep', 'infinity'] as const;

/**
 * A mount namespace with a folder of ours in place of `/run`. Programs that insist on paths below `/run` run in
 * several of them without meeting, and nobody outside sees what they mount. It ends with its holder, a process that
 * sleeps in it, once nobody else is inside.
 */
export class MountNamespace {
  readonly #holder: ManagedProcess;
  readonly #handle: string;
  readonly #run: string;

  /** @param folder of its own; the `run` in it must exist when the namespace is opened. */
  constructor(around: Surroundings, owner: string, folder: string) {
    this.#run = join(folder, 'run');
    this.#handle = join(folder, 'mount-namespace');
    this.#holder = new ManagedProcess({
      name: `${owner} mount namespace`,
      argv: ['unshare', '--mount', '--propagation', 'slave', '--', ...HOLDER],
      env: around.env,
      logFile: join(folder, 'mount-namespace.log'),
      listening: () => Promise.resolve(this.#isMade() ? undefined : 'it is still being made'),
    });
  }

  /** An option of nsenter(1) that enters it. */
  get option(): string {
    return `--mount=${this.#handle}`;
  }

  /** Makes it, unless it is there. */
  async open(): Promise<void> {
    if (this.#holder.running) return;
    await this.#holder.start();
    rmSync(this.#handle, { force: true });
    symlinkSync(`/proc/${this.#holder.pid}/ns/mnt`, this.#handle);
    await runOrFail(['nsenter', this.option, '--', 'mount', '--bind', this.#run, '/run']);
  }

  /** Ends it for everyone who is not inside. */
  async close(): Promise<void> {
    await this.#holder.kill();
  }

  /** unshare(1) becomes the holder when everything is in place. */
  #isMade(): boolean {
    return readFileSync(`/proc/${this.#holder.pid}/comm`, 'utf8').trim() === HOLDER[0];
  }
}
