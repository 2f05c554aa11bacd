import { toOverlayError } from '@overlay/failure';
import type { CallOptions, ChangeFailure, KernelChange, KernelTables } from '../kernel-tables.js';
import { applyTransaction, halve, type Transaction } from './apply-transaction.js';
import { parseBatchErrors } from './batch-errors.js';
import { changeLines } from './change-lines.js';
import type { CommandRunner } from './command-runner.js';
import { dockerScript, IPTABLES, iptablesTool, ruleSetOf } from './docker-accepts.js';
import { explainRefusal } from './explain-refusal.js';
import { KernelReader } from './kernel-reader.js';
import { divideNft, nftScript } from './nft-script.js';
import { type Lane, planSteps, type Run, type StepName } from './plan-steps.js';
import type { SysctlFiles } from './sysctl-files.js';
import { writeOffload } from './vxlan-offload.js';
import { resetSysctl, writeSysctl } from './write-sysctl.js';

/** Seconds that a change of iptables waits for other programs to let go of its lock. */
const LOCK_SECONDS = '5';
/** Its exit code when they did not (iptables(8), "resource problem"). */
const LOCK_HELD = 4;

const NFT: Transaction = { command: 'nft', args: ['-f', '-'], script: nftScript, divide: divideNft };

/** What the adapter works with. */
export interface IprouteOptions {
  readonly runner: CommandRunner;
  readonly sysctls: SysctlFiles;
  /** Times the large steps of a write; absent: nobody wants to know. */
  readonly timed?: StepTimer;
}

/** Does the work of a step and notes how long it took. */
export type StepTimer = <T>(step: StepName, work: () => Promise<T>) => Promise<T>;

/**
 * The kernel through iproute2, nftables and /proc/sys: one process for a run of changes, never one for each, and several
 * at once where there is much to write.
 */
export function iprouteTables({ runner, sysctls, timed }: IprouteOptions): KernelTables {
  const reader = new KernelReader(runner, sysctls);
  return {
    read: (scope, options) => reader.read(scope, options),
    async apply(changes, options) {
      const failures: (readonly ChangeFailure[])[] = [];
      for (const { name, lanes } of planSteps(changes)) {
        const work = () => Promise.all(lanes.map((lane) => applyLane(lane, options)));
        const failed = await (name === undefined || timed === undefined ? work() : timed(name, work));
        failures.push(...failed);
      }
      return failures.flat();
    },
  };

  async function applyLane(lane: Lane, options: CallOptions): Promise<readonly ChangeFailure[]> {
    const failures: (readonly ChangeFailure[])[] = [];
    for (const run of lane) failures.push(await applyRun(run, options));
    return failures.flat();
  }

  async function applyRun({ tool, run }: Run, options: CallOptions): Promise<readonly ChangeFailure[]> {
    switch (tool) {
      case 'ip':
      case 'ip -6':
      case 'bridge':
        return applyBatch(runner, tool, run, options);
      case 'nft':
        return applyTransaction(runner, NFT, run, options);
      case 'iptables':
        return applyDockerAccepts(runner, run, options);
      case 'ethtool':
        return applyEach(run, async ({ op, object }) => {
          if (op !== 'remove' && object.kind === 'offload') await writeOffload(runner, object, options);
        });
      case 'sysctl':
        return applyEach(run, async ({ op, object }) => {
          if (object.kind !== 'sysctl') return;
          if (op === 'remove') await resetSysctl(sysctls, object);
          else await writeSysctl(sysctls, object);
        });
    }
  }
}

/** One transaction for each rule set. */
async function applyDockerAccepts(
  runner: CommandRunner,
  run: readonly KernelChange[],
  options: CallOptions,
): Promise<readonly ChangeFailure[]> {
  const failures: ChangeFailure[] = [];
  for (const chain of IPTABLES) {
    const there = run.filter(
      ({ object }) => object.kind === 'docker-accept' && ruleSetOf(object) === ruleSetOf(chain),
    );
    if (there.length === 0) continue;
    const command = iptablesTool(chain, 'restore');
    const args = ['--noflush', '--wait', LOCK_SECONDS];
    const transaction = { command, args, script: dockerScript, divide: halve, busyExitCode: LOCK_HELD };
    failures.push(...(await applyTransaction(runner, transaction, there, options)));
  }
  return failures;
}

async function applyBatch(
  runner: CommandRunner,
  tool: 'ip' | 'ip -6' | 'bridge',
  run: readonly KernelChange[],
  { timeoutMs }: CallOptions,
): Promise<readonly ChangeFailure[]> {
  const [command = tool, ...family] = tool.split(' ');
  const lines = run.flatMap(changeLines);
  try {
    const args = [...family, '-force', '-batch', '-'];
    const { exitCode, stderr } = await runner.run(command, args, `${lines.join('\n')}\n`, timeoutMs);
    if (exitCode === 0) return [];
    const { byLine, rest } = parseBatchErrors(stderr);
    if (rest !== '' || byLine.size === 0) return run.map((change) => ({ change, error: rest || stderr }));
    const failed = new Map<KernelChange, string>();
    const changeOfLine = run.flatMap((change) => changeLines(change).map(() => change));
    for (const [number, error] of byLine) {
      const change = changeOfLine[number - 1];
      if (change !== undefined && !failed.has(change)) failed.set(change, error);
    }
    return [...failed].map(([change, error]) => ({ change, error: explainRefusal(change, error) }));
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
