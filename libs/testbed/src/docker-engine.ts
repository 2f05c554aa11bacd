import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { listCgroupProcesses, removeCgroups } from './cgroup-leftovers.js';
import { type CommandResult, runCommand, runOrFail } from './command.js';
import { killAll, listProcessesWith } from './leftovers.js';
import { ManagedProcess } from './managed-process.js';
import { MountNamespace } from './mount-namespace.js';
import { makeRootTree } from './root-tree.js';
import { parseInspection, type RuntimeContainer } from './runtime-container.js';
import type { Surroundings } from './surroundings.js';

/** Where an engine lives. */
export interface DockerEngineSpec {
  /** Label of its host. */
  readonly host: string;
  /** Path of the host's network namespace. */
  readonly netns: string;
  /** Everything of the engine on disk. */
  readonly folder: string;
  /** The socket on which it serves its API. */
  readonly socket: string;
}

/** The one image that every engine has: a busybox tree that sleeps unless told otherwise. */
export const DOCKER_IMAGE = 'overlay-testbed';

/** A process that dies takes its time on a loaded machine. */
const CONTAINERD_PATIENCE_MS = 10_000;

/** Environment variable that tells the processes of one engine, beside the testbed's mark. */
const ENGINE_MARK = 'OVERLAY_TESTBED_ENGINE';

/**
 * A real Docker Engine on a host: its own dockerd and containerd in the host's network namespace, with a `/run` of
 * its own, so that engines of several hosts share neither plugins nor sockets. Its firewall rules are those of the
 * host's namespace, its containers are in the testbed's control groups, and it goes with the testbed.
 */
export class DockerEngine {
  /** dockerd. Containerd dies with it; containers and their shims do not, as on any host. */
  readonly daemon: ManagedProcess;
  readonly #spec: DockerEngineSpec;
  readonly #around: Surroundings;
  readonly #run: string;
  readonly #mounts: MountNamespace;
  readonly #mark: string;

  constructor(around: Surroundings, spec: DockerEngineSpec) {
    this.#around = around;
    this.#spec = spec;
    this.#run = join(spec.folder, 'run');
    this.#mark = `${around.testbed}-${spec.host}`;
    this.#mounts = new MountNamespace(around, {
      name: `${spec.host} docker`,
      folder: spec.folder,
      replaced: ['/run'],
    });
    this.daemon = new ManagedProcess({
      name: `${spec.host} dockerd`,
      argv: ['nsenter', this.#mounts.option, `--net=${spec.netns}`, '--', ...planDockerd(around, spec)],
      env: { ...around.env, [ENGINE_MARK]: this.#mark },
      logFile: join(spec.folder, 'dockerd.log'),
      ready: async () => {
        const answer = await this.docker('version', '--format', '{{.Server.Version}}');
        return answer.exitCode === 0 ? undefined : answer.stderr.trim();
      },
    });
  }

  /** Starts the engine, unless it runs, and gives it {@link DOCKER_IMAGE} the first time. Ready when this returns. */
  async start(timeoutMs = 60_000): Promise<void> {
    if (this.daemon.running) return;
    await this.#mounts.open();
    this.#forgetZombie();
    await this.daemon.start({}, timeoutMs);
    await this.#importImage();
  }

  /** SIGTERM, which stops its containers too; disk and `/run` stay. */
  async stop(): Promise<void> {
    await this.daemon.stop(30_000);
  }

  /** SIGKILL to dockerd alone; gone with it, when this returns, is containerd. */
  async kill(): Promise<void> {
    await this.daemon.kill();
    const deadline = Date.now() + CONTAINERD_PATIENCE_MS;
    while (!this.#isContainerdDead() && Date.now() < deadline) await sleep(20);
  }

  /** Kills dockerd the hard way and starts it again. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /**
   * Ends all of it at once as a power cut would: dockerd, containerd, shims, containers, mounts and what is in
   * `/run`. The disk stays; the next {@link start} is the first one after a boot.
   */
  async powerOff(): Promise<void> {
    const left = killAll(() => [
      ...listProcessesWith(ENGINE_MARK, this.#mark),
      ...listCgroupProcesses(this.#around.testbed, this.#spec.host),
    ]);
    if (left.length > 0)
      throw new OverlayError('internal', `processes of the engine do not die: ${left.join()}`);
    await this.daemon.kill();
    await this.#mounts.close();
    removeCgroups(this.#around.testbed, this.#spec.host);
    rmSync(this.#run, { recursive: true, force: true });
  }

  /** Runs the docker command line against the engine; a non-zero exit is a result. */
  docker(...args: readonly string[]): Promise<CommandResult> {
    return runCommand(this.#command(args), { env: this.#around.env, timeoutMs: 60_000 });
  }

  /** {@link docker} that has to succeed. @returns its standard output without the white space around it. */
  async dockerOrFail(...args: readonly string[]): Promise<string> {
    return (await runOrFail(this.#command(args), { env: this.#around.env, timeoutMs: 60_000 })).trim();
  }

  /** Starts a container that sleeps. @param options of `docker run`. @throws OverlayError with Docker's own words. */
  async run(network: string, options: readonly string[]): Promise<RuntimeContainer> {
    const fixed = ['run', '--detach', '--init', '--network', network];
    const id = await this.dockerOrFail(...fixed, ...options, DOCKER_IMAGE, 'sleep', 'infinity');
    return this.inspect(id, network);
  }

  /** How a container stands on a network. @throws OverlayError `not_found` if it is not on it. */
  async inspect(container: string, network: string): Promise<RuntimeContainer> {
    return parseInspection(await this.dockerOrFail('inspect', '--type', 'container', container), network);
  }

  async #importImage(): Promise<void> {
    const present = await this.docker('image', 'inspect', '--format', '{{.Id}}', DOCKER_IMAGE);
    if (present.exitCode === 0) return;
    const tree = join(this.#spec.folder, 'image');
    const archive = `${tree}.tar`;
    if (!existsSync(archive)) {
      await makeRootTree(tree);
      await runOrFail(['tar', '--directory', tree, '--create', '--file', archive, '.']);
    }
    await this.dockerOrFail('import', '--change', 'CMD ["sleep", "infinity"]', archive, DOCKER_IMAGE);
  }

  /**
   * dockerd takes a containerd that has died for a running one as long as nobody has reaped it, and nobody does where
   * the first process of the machine is not an init.
   */
  #forgetZombie(): void {
    if (this.#isContainerdDead()) rmSync(this.#containerdPidFile, { force: true });
  }

  #isContainerdDead(): boolean {
    return (
      !existsSync(this.#containerdPidFile) || isDead(readFileSync(this.#containerdPidFile, 'utf8').trim())
    );
  }

  get #containerdPidFile(): string {
    return join(this.#run, 'docker', 'containerd', 'containerd.pid');
  }

  #command(args: readonly string[]): readonly string[] {
    return ['docker', '--host', `unix://${this.#spec.socket}`, ...args];
  }
}

function planDockerd(around: Surroundings, { host, folder, socket }: DockerEngineSpec): readonly string[] {
  return [
    'dockerd',
    '--data-root',
    join(folder, 'data'),
    '--exec-root',
    '/run/docker',
    '--host',
    `unix://${socket}`,
    '--pidfile',
    '/run/docker.pid',
    '--group',
    'root',
    '--cgroup-parent',
    `/${around.testbed}/${host}`,
    '--exec-opt',
    'native.cgroupdriver=cgroupfs',
  ];
}

/** Gone, or a zombie (proc(5), field 3 of `stat`). */
function isDead(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true;
  }
}
