import { readFileSync } from 'node:fs';
import { OverlayError } from '@overlay/failure';
import { type CommandOptions, type CommandResult, runCommand } from '@overlay/testbed';
import type { ClusterState } from '../cluster-state.js';
import { docker, type Engine, tryDocker } from '../engine/engine.js';
import { type ClusterPlaces, ROOT } from '../places.js';
import { findCompose } from './compose-command.js';
import { listServices, provideComposeFile } from './compose-file.js';

/** How a container stands. */
export interface ContainerStanding {
  readonly service: string;
  readonly id: string;
  /** `running`, `exited`, …; `absent` if there is none. */
  readonly state: string;
  /** `none` for a container without a health check. */
  readonly health: 'healthy' | 'unhealthy' | 'starting' | 'none';
}

const COMPOSE_MS = 300_000;
/** What `docker exec` says of a container that was replaced since it was listed. */
const REPLACED = /No such container|is not running/;
const HEALTH = /\((healthy|unhealthy|health: starting)\)/;

/** The containers of one cluster, through compose and the engine's command line. */
export class Stack {
  readonly engine: Engine;
  readonly hosts: number;
  readonly docker: boolean;
  /** Every service that it has. */
  readonly services: readonly string[];
  readonly #project: string;
  readonly #compose: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  /** The ids of containers when they were last listed, by service. */
  #ids: ReadonlyMap<string, string> = new Map();

  private constructor(
    engine: Engine,
    places: ClusterPlaces,
    state: ClusterState,
    compose: readonly string[],
    file: string,
  ) {
    this.engine = engine;
    this.hosts = state.hosts;
    this.docker = state.docker;
    const profile = state.docker ? 'docker' : 'workload';
    this.services = listServices(readFileSync(file, 'utf8'), profile);
    this.#project = places.project;
    this.#compose = [
      ...compose,
      ...['--project-name', this.#project, '--project-directory', ROOT, '--file', file],
      ...['--profile', profile],
    ];
    this.#env = { ...engine.env, ...imageVariables(state) };
  }

  /** The stack of a cluster, whether it is up or not. @throws OverlayError `not_found` without compose. */
  static async open(engine: Engine, places: ClusterPlaces, state: ClusterState): Promise<Stack> {
    const compose = await findCompose(engine);
    return new Stack(engine, places, state, compose, provideComposeFile(places, state.hosts));
  }

  /** Runs a command of compose. @throws OverlayError `unavailable` with its last words. */
  async compose(args: readonly string[]): Promise<string> {
    const options = { env: this.#env, timeoutMs: COMPOSE_MS };
    const { exitCode, stdout, stderr } = await runCommand([...this.#compose, ...args], options);
    if (exitCode === 0) return stdout;
    const words = `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n');
    throw new OverlayError('unavailable', `compose ${args.join(' ')} failed:\n${words}`);
  }

  /** The command line of compose for this cluster, to be run with what {@link environment} says. */
  commandLine(args: readonly string[]): readonly string[] {
    return [...this.#compose, ...args];
  }

  /** The environment of {@link commandLine}. */
  get environment(): Readonly<Record<string, string>> {
    return this.#env;
  }

  /** Every container there is, by service. */
  async containers(): Promise<ReadonlyMap<string, ContainerStanding>> {
    const format = '{{.Label "com.docker.compose.service"}}\t{{.ID}}\t{{.State}}\t{{.Status}}';
    const filter = `label=com.docker.compose.project=${this.#project}`;
    const listed = await docker(this.engine, ['ps', '--all', '--filter', filter, '--format', format]);
    const rows = listed.split('\n').filter(Boolean);
    const standings = rows.map((row): ContainerStanding => {
      const [service = '', id = '', state = '', status = ''] = row.split('\t');
      return { service, id, state, health: healthOf(status) };
    });
    this.#ids = new Map(standings.map(({ service, id }) => [service, id]));
    return new Map(standings.map((standing) => [standing.service, standing]));
  }

  /** The container of a service. @throws OverlayError `not_found`. */
  async container(service: string): Promise<ContainerStanding> {
    const found = (await this.containers()).get(service);
    if (found === undefined) throw new OverlayError('not_found', `there is no container of ${service}`);
    return found;
  }

  /** Runs a program in the container of a service; a non-zero exit is a result. */
  async exec(service: string, argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const id = this.#ids.get(service);
    if (id !== undefined) {
      const result = await tryDocker(this.engine, ['exec', id, ...argv], options);
      if (result.exitCode === 0 || !REPLACED.test(result.stderr)) return result;
    }
    const { id: present } = await this.container(service);
    return tryDocker(this.engine, ['exec', present, ...argv], options);
  }

  /** Runs a program of this machine where the published ports are. */
  outside(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand([...this.engine.enter, ...argv], options);
  }
}

/** What the health check of a container last said, and the last lines of its log. */
export async function explainContainer(
  engine: Engine,
  { service, id, state }: ContainerStanding,
): Promise<string> {
  if (state === 'absent') return `${service}: there is no container`;
  const format = '{{if .State.Health}}{{range .State.Health.Log}}{{.Output}}\u0001{{end}}{{end}}';
  const { stdout } = await tryDocker(engine, ['inspect', '--format', format, id]);
  const said =
    stdout
      .split('\u0001')
      .map((text) => text.trim())
      .filter(Boolean)
      .at(-1) ?? 'no health check has run';
  const log = await tryDocker(engine, ['logs', '--tail', '3', id]);
  return `${service}: ${said}\n  ${`${log.stdout}${log.stderr}`.trim().replaceAll('\n', '\n  ')}`;
}

function healthOf(status: string): ContainerStanding['health'] {
  const word = HEALTH.exec(status)?.[1];
  if (word === 'healthy' || word === 'unhealthy') return word;
  return word === undefined ? 'none' : 'starting';
}

function imageVariables({ images }: ClusterState): Readonly<Record<string, string>> {
  if (images === undefined) return {};
  return {
    OVERLAY_IMAGE: images.overlay,
    OVERLAY_ETCD_IMAGE: images.etcd,
    OVERLAY_WORKLOAD_IMAGE: images.workload,
    ...(images.engine === undefined ? {} : { OVERLAY_ENGINE_IMAGE: images.engine }),
  };
}
