import type { LogRecord } from '@overlay/model';
import type { LogProblem, OverlayLog } from '@overlay/overlay-log';

/** What was found in a log. */
export interface LogReport {
  readonly revision: bigint;
  readonly networks: number;
  readonly agents: number;
  /** Deleted agents whose blocks and VTEP are still kept for them. */
  readonly formerAgents: number;
  readonly problems: readonly LogProblem[];
}

/** Reads a log and checks its rules. @throws OverlayError what loading throws, `data_loss` for a corrupt entry. */
export async function checkLog(log: OverlayLog): Promise<LogReport> {
  const { verifyLog } = await import('@overlay/overlay-log');
  const { revision, records } = await log.load();
  const counts = { network: 0, node: 0, 'former-node': 0 };
  async function* counted(): AsyncGenerator<readonly LogRecord[]> {
    for await (const batch of records) {
      for (const record of batch) if (isCounted(record)) counts[record.kind] += 1;
      yield batch;
    }
  }
  const problems = await verifyLog(counted());
  return {
    revision,
    networks: counts.network,
    agents: counts.node,
    formerAgents: counts['former-node'],
    problems,
  };
}

function isCounted(
  record: LogRecord,
): record is Extract<LogRecord, { kind: 'network' | 'node' | 'former-node' }> {
  if (record.kind === 'network') return record.network.phase !== 'deleted';
  return record.kind === 'node' || record.kind === 'former-node';
}
