import { type OverlayError, toOverlayError } from '@overlay/failure';
import type { LogLevel } from '@overlay/model';
import { Command, CommanderError } from 'commander';
import { type Clock, systemClock } from './clock.js';
import { createLogger, type Logger } from './logger.js';
import { Metrics } from './metrics.js';
import { type ProcessConfiguration, readConfiguration } from './read-configuration.js';
import { Readiness } from './readiness.js';

/** What a started process hands back. */
export interface RunningProcess {
  /** Resolves with the reason if the process cannot go on; never rejects. Absent if that cannot happen. */
  readonly failed?: Promise<OverlayError>;
  /** Ends the process in order. Called once. */
  close(): Promise<void>;
}

/** What a process is started with. */
export interface ProcessInput<C> {
  readonly config: C;
  /** Values of the extra flags, by their camelCase name. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly clock: Clock;
}

/** Something that a process does once, in place of its work, where its flag is given. */
export interface ProcessTask<C> {
  /** A flag of one lower-case word, for example `--purge`. */
  readonly flag: `--${string}`;
  readonly meaning: string;
  /** @returns the exit code. @throws OverlayError, which ends the process with exit code 1. */
  run(config: C, print: (text: string) => void): Promise<number>;
}

/** A process as its `main.ts` describes it. */
export interface ProcessDescription<C extends { readonly logLevel: LogLevel }> {
  readonly configuration: ProcessConfiguration<C>;
  readonly summary: string;
  readonly version: string;
  /** Flags beside `--config`, `--check-config`, `--help` and `--version`, in commander's notation. */
  readonly flags?: readonly { readonly notation: string; readonly meaning: string }[];
  readonly tasks?: readonly ProcessTask<C>[];
  /** How long its end may take until it is killed; 15 s unless said, for tests. */
  readonly endLimitMs?: number;
  start(input: ProcessInput<C>): Promise<RunningProcess>;
}

/** The parts of Node's `process` that a process lives on. */
export interface ProcessHost {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  once(event: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  readonly pid: number;
  kill(pid: number, signal: 'SIGKILL'): unknown;
}

/** How long the end of a process may take. */
const END_LIMIT_MS = 15_000;

interface TypedFlags {
  readonly config?: string;
  readonly checkConfig?: boolean;
  readonly [flag: string]: unknown;
}

/**
 * Runs a process from its command line to its end. Resolves with the exit code: 0 after SIGTERM, SIGINT or a
 * good `--check-config`, 1 after a failure (its message on stderr, without a stack), 2 after wrong usage. A process
 * that has not ended 15 s after it was told to, or failed, says so on stderr and is killed.
 */
export async function runProcess<C extends { readonly logLevel: LogLevel }>(
  description: ProcessDescription<C>,
  host: ProcessHost,
): Promise<number> {
  const { app } = description.configuration;
  const command = commandOf(description, host);
  try {
    command.parse([...host.argv]);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const { config: file, checkConfig, ...flags } = command.opts<TypedFlags>();
  try {
    const config = readConfiguration(description.configuration, file);
    if (checkConfig) {
      host.stdout.write(`${app}: the configuration is right\n`);
      return 0;
    }
    const task = description.tasks?.find(({ flag }) => flags[flag.slice(2)] === true);
    if (task !== undefined) return await task.run(config, (text) => host.stdout.write(text));
    return await serve(description, host, config, flags);
  } catch (thrown) {
    const error = toOverlayError(thrown);
    host.stderr.write(`${app}: ${error.message}\n`);
    if (error.code === 'internal' && error.cause instanceof Error)
      host.stderr.write(`${error.cause.stack}\n`);
    return 1;
  }
}

function commandOf<C extends { readonly logLevel: LogLevel }>(
  description: ProcessDescription<C>,
  host: ProcessHost,
): Command {
  const command = new Command(description.configuration.app)
    .description(description.summary)
    .version(description.version)
    .option('--config <file>', 'configuration in YAML or JSON; without it the documented defaults hold')
    .option('--check-config', 'check the configuration, list every wrong key, and exit')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
    });
  for (const flag of description.flags ?? []) command.option(flag.notation, flag.meaning);
  for (const { flag, meaning } of description.tasks ?? []) command.option(flag, meaning);
  return command;
}

async function serve<C extends { readonly logLevel: LogLevel }>(
  description: ProcessDescription<C>,
  host: ProcessHost,
  config: C,
  flags: Readonly<Record<string, unknown>>,
): Promise<number> {
  const { app } = description.configuration;
  const logger = createLogger(app, config.logLevel);
  const metrics = new Metrics(app);
  metrics.collectRuntime();
  const limit = limitedEnd(app, host, description.endLimitMs ?? END_LIMIT_MS);
  const signalled = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      host.once(signal, () => {
        limit.begin(signal);
        resolve(undefined);
      });
    }
  });
  try {
    return await serveUntil(description, host, { config, flags, logger, metrics, signalled, limit });
  } finally {
    limit.clear();
  }
}

interface Serving<C> extends Pick<ProcessInput<C>, 'config' | 'flags' | 'logger' | 'metrics'> {
  readonly signalled: Promise<undefined>;
  readonly limit: LimitedEnd;
}

async function serveUntil<C extends { readonly logLevel: LogLevel }>(
  description: ProcessDescription<C>,
  host: ProcessHost,
  { signalled, limit, ...input }: Serving<C>,
): Promise<number> {
  const { logger } = input;
  const running = await description.start({
    ...input,
    environment: host.env,
    readiness: new Readiness(),
    clock: systemClock,
  });
  logger.info({ event: 'started', version: description.version });
  const failure = await Promise.race([signalled, running.failed ?? signalled]);
  if (failure === undefined) {
    await running.close();
    logger.info({ event: 'stopped' });
    return 0;
  }
  limit.begin(failure.message);
  logger.fatal({ event: 'failed', reason: failure.message });
  // What closing runs into after a failure is its consequence: the first reason is the one to report.
  await running.close().catch((error: unknown) => logger.error({ event: 'close_failed', err: error }));
  throw failure;
}

/** Keeps the end of a process within its time. */
interface LimitedEnd {
  /** Starts the time. Repeatable: the first counts. */
  begin(reason: string): void;
  clear(): void;
}

/**
 * A thread that hangs in the kernel, for example on a disk that does not answer, would hold `process.exit()` as well:
 * only SIGKILL ends such a process.
 */
function limitedEnd(app: string, host: ProcessHost, limitMs: number): LimitedEnd {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin(reason) {
      timer ??= setTimeout(() => {
        host.stderr.write(`${app}: killed: it did not end in order within ${limitMs} ms after: ${reason}\n`);
        host.kill(host.pid, 'SIGKILL');
      }, limitMs).unref();
    },
    clear: () => clearTimeout(timer),
  };
}
