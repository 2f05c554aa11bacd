import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { runOrFail } from './command.js';
import { NETNS_DIR } from './leftovers.js';
import { ManagedProcess } from './managed-process.js';
import type { Surroundings } from './surroundings.js';

const HOLDER = ['sleep', 'infinity'] as const;

/** What is different inside. */
export interface MountNamespaceSpec {
  /** For messages: `h1 docker`. */
  readonly name: string;
  /** A folder of its own: it holds what replaces the machine's folders, each under its last name. */
  readonly folder: string;
  /** Folders of the machine that are empty inside at first: `/run`. */
  readonly replaced: readonly string[];
  /** Named network namespaces are the machine's, and those that are made inside appear outside. Default false. */
  readonly sharesNetns?: boolean;
}

/**
 * A mount namespace in which some folders of the machine are ours. Programs that insist on paths below `/run` run in
 * several of them without meeting, and nobody outside sees what they mount. It ends with its holder, a process that
 * sleeps in it, once nobody else is inside.
 */
export class MountNamespace {
  readonly #spec: MountNamespaceSpec;
  readonly #holder: ManagedProcess;
  readonly #handle: string;

  constructor(around: Surroundings, spec: MountNamespaceSpec) {
    this.#spec = spec;
    this.#handle = join(spec.folder, 'mount-namespace');
    this.#holder = new ManagedProcess({
      name: `${spec.name} mount namespace`,
      argv: [
        'unshare',
        '--mount',
        '--propagation',
        spec.sharesNetns === true ? 'unchanged' : 'slave',
        '--',
        ...HOLDER,
      ],
      env: around.env,
      logFile: join(spec.folder, 'mount-namespace.log'),
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
    const { folder, replaced, sharesNetns = false } = this.#spec;
    const substitutes = replaced.map((path) => ({ path, own: join(folder, basename(path)) }));
    for (const { own } of substitutes) mkdirSync(own, { recursive: true });
    await this.#holder.start();
    rmSync(this.#handle, { force: true });
    symlinkSync(`/proc/${this.#holder.pid}/ns/mnt`, this.#handle);
    if (sharesNetns) await this.#shareNetns();
    for (const { path, own } of substitutes) await this.#mount('--rbind', own, path);
  }

  /** Ends it for everyone who is not inside. */
  async close(): Promise<void> {
    await this.#holder.kill();
  }

  /** Cuts every shared mount off the outside but iproute2's, which stays in one peer group with it. */
  async #shareNetns(): Promise<void> {
    for (const path of this.#foreignMounts()) {
      try {
        await this.#mount('--make-slave', path);
      } catch (cause) {
        if (this.#foreignMounts().includes(path)) throw cause; // else its owner has just unmounted it
      }
    }
    const substitute = this.#spec.replaced.find((path) => NETNS_DIR.startsWith(`${path}/`));
    if (substitute === undefined) return;
    const inside = join(this.#spec.folder, basename(substitute), relative(substitute, NETNS_DIR));
    mkdirSync(inside, { recursive: true });
    await this.#mount('--rbind', NETNS_DIR, inside);
  }

  #foreignMounts(): readonly string[] {
    const mounts = listSharedMounts(readFileSync(`/proc/${this.#holder.pid}/mountinfo`, 'utf8'));
    return mounts.filter((path) => !path.startsWith(NETNS_DIR));
  }

  #mount(...args: readonly string[]): Promise<string> {
    return runOrFail(['nsenter', this.option, '--', 'mount', ...args]);
  }

  /** unshare(1) becomes the holder when everything is in place. */
  #isMade(): boolean {
    return readFileSync(`/proc/${this.#holder.pid}/comm`, 'utf8').trim() === HOLDER[0];
  }
}

/** Mount points that belong to a peer group (proc(5), mountinfo: optional field `shared`). */
export function listSharedMounts(mountinfo: string): readonly string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const optional = fields.slice(6, fields.indexOf('-'));
    const path = fields[4];
    return path !== undefined && optional.some((field) => field.startsWith('shared:')) ? [path] : [];
  });
}
