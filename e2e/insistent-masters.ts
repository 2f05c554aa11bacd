import { setTimeout as sleep } from 'node:timers/promises';
import { MasterServiceService, NetworkServiceService } from '@overlay/contracts';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { createRpcClient, type RpcClient } from '@overlay/rpc';

/** Both services of one master. */
export interface MasterClients {
  readonly agents: RpcClient<typeof MasterServiceService>;
  readonly networks: RpcClient<typeof NetworkServiceService>;
}

const CALL_MS = 2_500;
const RETRY_MS = 40;

/** Connects to a master. @param address `host:port`. */
export function connectMaster(address: string): MasterClients {
  const options = { target: address, timeoutMs: CALL_MS };
  return {
    agents: createRpcClient(MasterServiceService, options),
    networks: createRpcClient(NetworkServiceService, options),
  };
}

/** Several masters of one cluster, each call repeated until one of them answers, wherever the leader is. */
export class InsistentMasters {
  readonly #masters: ReadonlyMap<string, MasterClients>;
  #target: string;
  #closed = false;

  /** @param addresses `host:port` of every master, under which they also name each other. */
  constructor(addresses: readonly string[]) {
    this.#masters = new Map(addresses.map((address) => [address, connectMaster(address)]));
    this.#target = addresses[0] ?? '';
  }

  /** The clients of a master. @throws OverlayError `not_found`. */
  master(address: string): MasterClients {
    const clients = this.#masters.get(address);
    if (clients === undefined) throw new OverlayError('not_found', `no master at ${address}`);
    return clients;
  }

  /**
   * Repeats a call until a master answers it.
   * @param begin called before each try. @throws OverlayError what time cannot mend.
   */
  async insist<T>(begin: () => void, call: (master: MasterClients) => Promise<T>): Promise<T> {
    for (;;) {
      begin();
      const target = this.#target;
      try {
        return await call(this.master(target));
      } catch (thrown) {
        const error = toOverlayError(thrown);
        if (this.#closed || !canPass(error)) throw error;
        this.#turnFrom(target, error.leader);
        await sleep(RETRY_MS);
      }
    }
  }

  /** Closes the connections. */
  close(): void {
    this.#closed = true;
    for (const { agents, networks } of this.#masters.values()) {
      agents.close();
      networks.close();
    }
  }

  /** Follows the leader that a master names, else asks the next master. Others may have turned already. */
  #turnFrom(target: string, leader: string | undefined): void {
    if (this.#target !== target) return;
    const addresses = [...this.#masters.keys()];
    const next = addresses[(addresses.indexOf(target) + 1) % addresses.length] ?? target;
    this.#target = leader !== undefined && leader !== target && this.#masters.has(leader) ? leader : next;
  }
}

function canPass({ code }: OverlayError): boolean {
  return code === 'unavailable' || code === 'aborted' || code === 'deadline_exceeded';
}
