import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { EtcdCluster } from './etcd-cluster.js';
import { findFreePort } from './free-port.js';
import { Master } from './master.js';
import { type Configuration, MASTER_GRPC_PORT, mergeConfig, planMasterLog } from './process-configs.js';
import type { Surroundings } from './surroundings.js';

/** Where the masters keep the overlay log: in a folder of the only master, or in an etcd of the testbed's own. */
export type LogKind = 'embedded' | 'etcd';

/** Which masters a testbed has. */
export interface MasterSetOptions {
  /** How many; more than one need the log in etcd. Default 1. */
  readonly masters?: number;
  /** Default `embedded`. */
  readonly log?: LogKind;
  /** Members of the etcd cluster: 1 (default), 3 or 5. */
  readonly etcdMembers?: number;
  /** HTTP port of the first master on 127.0.0.1, taken if it is free. Default: any free port. */
  readonly preferredHttpPort?: number;
  /** Laid over the configuration of every master, for example `{ network: { … } }`. */
  readonly master?: Configuration;
}

/** Longer than the leader's lease of 5 s and the time in which a master loads its log. */
const ELECTION_MS = 30_000;

/** The masters of a testbed, of which one leads, and the etcd cluster that they share. */
export class MasterSet {
  readonly masters: readonly Master[];
  /** In the order of the configurations of agents. */
  readonly addresses: readonly string[];
  readonly #etcd: EtcdCluster | undefined;

  private constructor(masters: readonly Master[], etcd: EtcdCluster | undefined) {
    this.masters = masters;
    this.addresses = masters.map(({ grpcAddress }) => grpcAddress);
    this.#etcd = etcd;
  }

  /**
   * Plans the masters, none of which runs yet; an etcd cluster runs when this returns.
   *
   * @param address of the root namespace on the underlay.
   * @throws OverlayError `invalid_argument` for several masters without etcd.
   */
  static async create(around: Surroundings, address: string, options: MasterSetOptions): Promise<MasterSet> {
    const { masters: count = 1, log = 'embedded', etcdMembers = 1 } = options;
    if (count > 1 && log !== 'etcd') {
      const way = "put the log into etcd with log: 'etcd'";
      throw new OverlayError('invalid_argument', `${count} masters cannot share an embedded log: ${way}`);
    }
    const etcd =
      log === 'etcd'
        ? await EtcdCluster.start({
            size: etcdMembers,
            home: { folder: join(around.folder, 'etcd'), env: around.env },
          })
        : undefined;
    const masters: Master[] = [];
    for (let number = 1; number <= count; number += 1) {
      const folder = join(around.folder, number === 1 ? 'master' : `master${number}`);
      masters.push(
        new Master(around, {
          owner: count === 1 ? 'the' : `m${number}`,
          folder,
          grpcAddress: `${address}:${MASTER_GRPC_PORT + number - 1}`,
          httpPort: await findFreePort(number === 1 ? options.preferredHttpPort : undefined),
          config: mergeConfig({ log: planMasterLog(folder, etcd?.endpoints) }, options.master ?? {}),
        }),
      );
    }
    return new MasterSet(masters, etcd);
  }

  /** The first one. */
  get first(): Master {
    const [first] = this.masters;
    if (first === undefined) throw new OverlayError('internal', 'a testbed without a master');
    return first;
  }

  /** The cluster that holds the log. @throws OverlayError `failed_precondition` with an embedded log. */
  get etcd(): EtcdCluster {
    if (this.#etcd !== undefined) return this.#etcd;
    throw new OverlayError('failed_precondition', "the log is embedded: make the testbed with log: 'etcd'");
  }

  /** Starts the masters that do not run, all at once, and waits until each is ready. */
  async start(timeoutMs: number): Promise<void> {
    const stopped = this.masters.filter((master) => !master.running);
    await Promise.all(stopped.map((master) => master.start({}, timeoutMs)));
  }

  /** Waits until exactly one master says that it leads. @throws OverlayError `deadline_exceeded`. */
  async leader(timeoutMs = ELECTION_MS): Promise<Master> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const answers = await Promise.all(this.masters.map((master) => master.leads()));
      const leaders = this.masters.filter((_, index) => answers[index]);
      const [leader] = leaders;
      if (leader !== undefined && leaders.length === 1) return leader;
      if (Date.now() > deadline) {
        const names = leaders.map(({ spec }) => spec.name).join(' and ');
        const who = names === '' ? 'no master leads' : `${names} lead at once`;
        throw new OverlayError('deadline_exceeded', `${who} after ${timeoutMs} ms`);
      }
      await sleep(25);
    }
  }

  /** Kills every master and every member of etcd. Repeatable. */
  async kill(): Promise<void> {
    await Promise.all(this.masters.map((master) => master.kill()));
    await this.#etcd?.close();
  }
}
