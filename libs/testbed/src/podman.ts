import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandResult, runCommand, runOrFail } from './command.js';
import { TESTBED_MARK } from './leftovers.js';
import { MountNamespace } from './mount-namespace.js';
import { makeRootTree } from './root-tree.js';
import { parseInspection, type RuntimeContainer } from './runtime-container.js';
import { cniPath, type Surroundings } from './surroundings.js';

/** Where Podman runs. */
export interface PodmanSpec {
  /** Label of its host. */
  readonly host: string;
  /** Path of the host's network namespace. */
  readonly netns: string;
  /** Everything of it on disk. */
  readonly folder: string;
  /** Where it looks for CNI configurations. */
  readonly cniConfigDir: string;
}

/**
 * A real Podman with CNI on a host. It runs in the host's network namespace, with a configuration, storage, `/run`
 * and `/var/lib` of its own; the plugins are ours and Debian's. Named network namespaces stay the machine's, for
 * plugins and ipam look at them from outside.
 */
export class Podman {
  readonly #around: Surroundings;
  readonly #spec: PodmanSpec;
  readonly #mounts: MountNamespace;
  readonly #tree: string;
  #opening: Promise<void> | undefined;

  constructor(around: Surroundings, spec: PodmanSpec) {
    this.#around = around;
    this.#spec = spec;
    this.#tree = join(spec.folder, 'rootfs');
    this.#mounts = new MountNamespace(around, {
      name: `${spec.host} podman`,
      folder: spec.folder,
      replaced: ['/run', '/var/lib'],
      sharesNetns: true,
    });
  }

  /** Starts a container that sleeps. @param options of `podman run`. @throws OverlayError with Podman's own words. */
  async run(network: string, options: readonly string[]): Promise<RuntimeContainer> {
    const group = `/${this.#around.testbed}/${this.#spec.host}`;
    const fixed = ['run', '--detach', '--network', network, '--cgroup-parent', group];
    const id = await this.podmanOrFail(...fixed, ...options, '--rootfs', this.#tree, 'sleep', 'infinity');
    return parseInspection(await this.podmanOrFail('inspect', '--type', 'container', id), network);
  }

  /** Runs the podman command line; a non-zero exit is a result. */
  async podman(...args: readonly string[]): Promise<CommandResult> {
    await this.#open();
    return runCommand(this.#command(args), this.#options());
  }

  /** Imports an image from the tree that all containers run in, for who wants one; it sleeps unless told otherwise. */
  async importImage(name: string): Promise<void> {
    await this.#open();
    const archive = `${this.#tree}.tar`;
    await runOrFail(['tar', '--directory', this.#tree, '--create', '--file', archive, '.']);
    await this.podmanOrFail('import', '--change', 'CMD ["sleep", "infinity"]', archive, name);
  }

  /** {@link podman} that has to succeed. @returns its standard output without the white space around it. */
  async podmanOrFail(...args: readonly string[]): Promise<string> {
    await this.#open();
    return (await runOrFail(this.#command(args), this.#options())).trim();
  }

  #command(args: readonly string[]): readonly string[] {
    return [...this.enter, 'podman', ...args];
  }

  /** Put before a command, this runs it where Podman runs, once that has run something. */
  get enter(): readonly string[] {
    return ['nsenter', this.#mounts.option, `--net=${this.#spec.netns}`, '--'];
  }

  /** The environment that makes Podman this one. */
  get env(): Readonly<Record<string, string>> {
    return {
      ...this.#around.env,
      CONTAINERS_CONF: join(this.#spec.folder, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(this.#spec.folder, 'storage.conf'),
    };
  }

  #options(): { readonly env: Readonly<Record<string, string>>; readonly timeoutMs: number } {
    return { env: this.env, timeoutMs: 60_000 };
  }

  #open(): Promise<void> {
    this.#opening ??= this.#prepare();
    return this.#opening;
  }

  async #prepare(): Promise<void> {
    const { folder, cniConfigDir } = this.#spec;
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'containers.conf'),
      formatContainersConf(cniConfigDir, cniPath(this.#around.repository), this.#around),
    );
    writeFileSync(
      join(folder, 'storage.conf'),
      '[storage]\ndriver = "vfs"\ngraphroot = "/var/lib/storage"\nrunroot = "/run/storage"\n',
    );
    if (!existsSync(this.#tree)) await makeRootTree(this.#tree);
    await this.#mounts.open();
  }
}

/**
 * A `containers.conf` that works where a host is a namespace among others: CNI instead of netavark, cgroupfs and runc
 * (crun refuses mixed control groups), limits that a restricted machine grants, locks in files instead of memory that
 * all Podmans of the machine would share. Containers and their monitors carry the testbed's mark.
 */
function formatContainersConf(
  cniConfigDir: string,
  cniPluginDirs: readonly string[],
  { testbed, env }: Pick<Surroundings, 'testbed' | 'env'>,
): string {
  const mark = `${TESTBED_MARK}=${testbed}`;
  return [
    '[containers]',
    `env = ${JSON.stringify(['PATH=/bin', mark])}`,
    'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]',
    '[network]',
    'network_backend = "cni"',
    `cni_plugin_dirs = ${JSON.stringify(cniPluginDirs)}`,
    `network_config_dir = ${JSON.stringify(cniConfigDir)}`,
    '[engine]',
    `conmon_env_vars = ${JSON.stringify([`PATH=${env.PATH}`, mark])}`,
    'cgroup_manager = "cgroupfs"',
    'runtime = "runc"',
    'events_logger = "file"',
    'lock_type = "file"',
    '',
  ].join('\n');
}
