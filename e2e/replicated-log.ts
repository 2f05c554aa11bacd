import type { LogRecord } from '@overlay/model';
import { type LogProblem, openEtcdOverlayLog, verifyLog } from '@overlay/overlay-log';
import type { Grant } from './history.js';
import { recordedNetwork, type ShownNetwork } from './network-history.js';

/** What stands in an overlay log in etcd. */
export interface LogContents {
  /** Every agent that is not deleted. */
  readonly grants: readonly Grant[];
  /** Every network that was created at runtime. */
  readonly networks: readonly ShownNetwork[];
  /** Every invariant that is broken. */
  readonly problems: readonly LogProblem[];
}

/** Reads the log itself, past every master. @param endpoints of etcd. */
export async function readReplicatedLog(endpoints: readonly string[]): Promise<LogContents> {
  const log = openEtcdOverlayLog({ endpoints, prefix: '/overlay/' });
  try {
    const records: LogRecord[] = [];
    for await (const batch of (await log.load()).records) records.push(...batch);
    const grants = records.flatMap((record): readonly Grant[] => {
      if (record.kind !== 'node') return [];
      const { id, ip, vtepIp, vtepIp6, vtepMac, networks } = record.node;
      const blocks = networks.flatMap(({ prefixes }) => prefixes);
      return [
        { node: id, ip, values: [vtepIp, ...(vtepIp6 === undefined ? [] : [vtepIp6]), vtepMac, ...blocks] },
      ];
    });
    const networks = records.flatMap((record): readonly ShownNetwork[] =>
      record.kind === 'network' && record.network.origin === 'runtime'
        ? [recordedNetwork(record.network)]
        : [],
    );
    return { grants, networks, problems: await verifyLog([records]) };
  } finally {
    await log.close();
  }
}
