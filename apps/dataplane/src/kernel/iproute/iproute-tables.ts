import { toOverlayError } from '@overlay/failure';
import type { KernelObject } from '../kernel-object.js';
import type { CallOptions, ChangeFailure, KernelChange, KernelTables } from '../kernel-tables.js';
import { parseBatchErrors } from './batch-errors.js';
import { changeLines } from './change-lines.js';
import type { CommandRunner } from './command-runner.js';
import { KernelReader } from './kernel-reader.js';
import { nftScript } from './nft-script.js';
import type { SysctlFiles } from './sysctl-files.js';
import { writeSysctl } from './write-sysctl.js';

/** Changes per process: bounds how long the time limit of one command has to reach. */
const BATCH_SIZE = 20_000;
/** Changes of a refused nftables transaction that are tried one by one. */
const BISECTED = 1_024;

/** What the adapter works with. */
export interface IprouteOptions {
  readonly runner: CommandRunner;
  readonly sysctls: SysctlFiles;
}

/** The kernel through iproute2, nftables and /proc/sys: one process for a run of changes, never one for each. */
export function iprouteTables({ runner, sysctls }: IprouteOptions): KernelTables {
  const reader = new KernelReader(runner, sysctls);
  return {
    read: (scope, options) => reader.read(scope, options),
    async apply(changes, options) {
      const failures: ChangeFailure[] = [];
      for (const { tool, run } of runsOf(changes)) failures.push(...(await applyRun(tool, run, options)));
      return failures;
    },
  };

  async function applyRun(tool: Tool, run: readonly KernelChange[], options: CallOptions) {
    switch (tool) {
      case 'ip':
      case 'ip -6':
      case 'bridge':
        return applyBatch(runner, tool, run, options);
      case 'nft':
        return applyNft(runner, run, options);
      case 'sysctl':
        return applyEach(run, async ({ op, object }) => {
          if (op !== 'remove' && object.kind === 'sysctl') await writeSysctl(sysctls, object);
        });
    }
  }
}

type Tool = 'ip' | 'ip -6' | 'bridge' | 'nft' | 'sysctl';

function toolOf(object: KernelObject): Tool {
  switch (object.kind) {
    case 'fdb':
      return 'bridge';
    case 'rule':
      return object.source.includes(':') ? 'ip -6' : 'ip';
    case 'nftables':
    case 'admission':
      return 'nft';
    case 'sysctl':
      return 'sysctl';
    default:
      return 'ip';
  }
}

function runsOf(changes: readonly KernelChange[]): readonly { tool: Tool; run: KernelChange[] }[] {
  const runs: { tool: Tool; run: KernelChange[] }[] = [];
  for (const change of changes) {
    const tool = toolOf(change.object);
    const last = runs.at(-1);
    if (last !== undefined && last.tool === tool && (tool === 'nft' || last.run.length < BATCH_SIZE))
      last.run.push(change);
    else runs.push({ tool, run: [change] });
  }
  return runs;
}

async function applyBatch(
  runner: CommandRunner,
  tool: 'ip' | 'ip -6' | 'bridge',
  run: readonly KernelChange[],
  { timeoutMs }: CallOptions,
): Promise<readonly ChangeFailure[]> {
  const [command = tool, ...family] = tool.split(' ');
  const lines = run.flatMap((change) => changeLines(change).map((line) => ({ change, line })));
  const input = lines.map(({ line }) => `${line}\n`).join('');
  try {
    const args = [...family, '-force', '-batch', '-'];
    const { exitCode, stderr } = await runner.run(command, args, input, timeoutMs);
    if (exitCode === 0) return [];
    const { byLine, rest } = parseBatchErrors(stderr);
    if (rest !== '' || byLine.size === 0) return run.map((change) => ({ change, error: rest || stderr }));
    const failed = new Map<KernelChange, string>();
    for (const [number, error] of byLine) {
      const change = lines[number - 1]?.change;
      if (change !== undefined && !failed.has(change)) failed.set(change, error);
    }
    return [...failed].map(([change, error]) => ({ change, error }));
  } catch (thrown) {
    const error = toOverlayError(thrown).message;
    return run.map((change) => ({ change, error }));
  }
}

async function applyEach(
  run: readonly KernelChange[],
  write: (change: KernelChange) => Promise<void>,
): Promise<readonly ChangeFailure[]> {
  const failures: ChangeFailure[] = [];
  for (const change of run) {
    try {
      await write(change);
    } catch (thrown) {
      failures.push({ change, error: toOverlayError(thrown).message });
    }
  }
  return failures;
}

/** One transaction. A refused one is tried again in halves, to find the change that is at fault, unless it is large. */
async function applyNft(
  runner: CommandRunner,
  run: readonly KernelChange[],
  options: CallOptions,
): Promise<readonly ChangeFailure[]> {
  const error = await runNft(runner, run, options);
  if (error === undefined) return [];
  if (run.length === 1 || run.length > BISECTED) return run.map((change) => ({ change, error }));
  const middle = Math.ceil(run.length / 2);
  return [
    ...(await applyNft(runner, run.slice(0, middle), options)),
    ...(await applyNft(runner, run.slice(middle), options)),
  ];
}

async function runNft(runner: CommandRunner, run: readonly KernelChange[], { timeoutMs }: CallOptions) {
  try {
    const { exitCode, stderr } = await runner.run('nft', ['-f', '-'], nftScript(run), timeoutMs);
    return exitCode === 0 ? undefined : stderr.trim();
  } catch (thrown) {
    return toOverlayError(thrown).message;
  }
}
