import { type CommandOptions, type CommandResult, runCommand, runOrFail } from '@overlay/testbed';

/** A Docker Engine to run a cluster on. */
export interface Engine {
  /** Environment of `docker` and of compose. */
  readonly env: Readonly<Record<string, string>>;
  /** Put in front of commands that use published ports: those of an own engine are in a namespace of their own. */
  readonly enter: readonly string[];
}

/** An engine that listens on a socket; without one, whatever the environment or Docker's default says. */
export function createEngine(socket: string | undefined, enter: readonly string[]): Engine {
  const inherited = Object.entries(process.env).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return {
    env: {
      ...Object.fromEntries(inherited),
      DOCKER_BUILDKIT: '0', // the classic builder needs no plugin of the client, and no registry
      COMPOSE_DOCKER_CLI_BUILD: '0',
      COMPOSE_PARALLEL_LIMIT: '16',
      COMPOSE_HTTP_TIMEOUT: '300',
      ...(socket === undefined ? {} : { DOCKER_HOST: `unix://${socket}` }),
    },
    enter,
  };
}

/** How long a command of `docker` may take; a machine that is short of everything needs a minute to stop a container. */
const COMMAND_MS = 120_000;

/** Runs `docker`; a non-zero exit is a result. */
export function tryDocker(
  engine: Engine,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return runCommand(['docker', ...args], { timeoutMs: COMMAND_MS, ...options, env: engine.env });
}

/** Runs `docker` and returns what it prints. @throws OverlayError `internal` with its words. */
export function docker(
  engine: Engine,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return runOrFail(['docker', ...args], { timeoutMs: COMMAND_MS, ...options, env: engine.env });
}

/** Whether the engine answers. */
export async function answers(engine: Engine): Promise<boolean> {
  const asked = tryDocker(engine, ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 10_000 });
  return asked.then(
    ({ exitCode }) => exitCode === 0,
    () => false,
  );
}
