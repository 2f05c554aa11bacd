import { setTimeout as sleep } from 'node:timers/promises';
import { type Assignment, MasterServiceService, NetworkServiceService } from '@overlay/contracts';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { createRpcClient, type RpcClient } from '@overlay/rpc';
import { withoutLength } from './cluster-state.js';
import type { Grant, HistoryEvent } from './history.js';
import type { SeededRandom } from './seeded-random.js';

/** Both services of one master. */
export interface MasterClients {
  readonly agents: RpcClient<typeof MasterServiceService>;
  readonly networks: RpcClient<typeof NetworkServiceService>;
}

const BOTH_HALVES = { allocateSubnet: true, mesosBridge: true, dockerBridge: true };
const CALL_MS = 2_500;
const RETRY_MS = 40;
/** Between two things that one worker does, so that the machine has time for the rest of the test. */
const PACE_MS = 15;

/** Connects to a master. @param address `host:port`. */
export function connectMaster(address: string): MasterClients {
  const options = { target: address, timeoutMs: CALL_MS };
  return {
    agents: createRpcClient(MasterServiceService, options),
    networks: createRpcClient(NetworkServiceService, options),
  };
}

/** Every agent that a master shows. */
export async function listGrants({ networks }: MasterClients): Promise<readonly Grant[]> {
  const grants: Grant[] = [];
  let pageToken = '';
  do {
    const page = await networks.listAgents({ pageSize: 1_000, pageToken });
    for (const { assignment } of page.agents) if (assignment !== undefined) grants.push(grantOf(assignment));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return grants;
}

/** What an assignment gives, for the history. */
export function grantOf({ nodeId, ip, vtep, networks }: Assignment): Grant {
  const blocks = networks.flatMap(({ routedPrefixes }) => routedPrefixes);
  const values = [withoutLength(vtep?.ip), withoutLength(vtep?.ip6), vtep?.mac ?? '', ...blocks];
  return { node: nodeId, ip, values: values.filter((value) => value !== '') };
}

/**
 * Agents without hosts: they register, register again, are deleted and come back, and write down what they were
 * promised. Each repeats what it does until a master acknowledges it, wherever the leader is.
 */
export class SimulatedAgents {
  readonly events: HistoryEvent[] = [];
  readonly #random: SeededRandom;
  readonly #masters: ReadonlyMap<string, MasterClients>;
  readonly #stopping = new AbortController();
  #workers: readonly Promise<void>[] = [];
  #target: string;
  #acknowledged = 0;
  #made = 0;
  #closed = false;

  /** @param addresses `host:port` of every master, under which they also name each other. */
  constructor(addresses: readonly string[], random: SeededRandom) {
    this.#random = random;
    this.#masters = new Map(addresses.map((address) => [address, connectMaster(address)]));
    this.#target = addresses[0] ?? '';
  }

  /** How many registrations and deletions were acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The clients of a master. @throws OverlayError `not_found`. */
  master(address: string): MasterClients {
    const clients = this.#masters.get(address);
    if (clients === undefined) throw new OverlayError('not_found', `no master at ${address}`);
    return clients;
  }

  /** Begins, several workers at a time; each has nodes of its own. */
  start(workers: number): void {
    this.#workers = Array.from({ length: workers }, () => this.#work());
    for (const worker of this.#workers) worker.catch(() => undefined); // stop() tells
  }

  /** Waits until so many more changes were acknowledged. */
  async progress(changes = 30, timeoutMs = 25_000): Promise<void> {
    const wanted = this.#acknowledged + changes;
    const deadline = Date.now() + timeoutMs;
    while (this.#acknowledged < wanted) {
      if (Date.now() > deadline) {
        const missing = `${wanted - this.#acknowledged} of ${changes} changes`;
        throw new OverlayError('deadline_exceeded', `${missing} not acknowledged after ${timeoutMs} ms`);
      }
      await sleep(20);
    }
  }

  /** Lets everybody finish what was begun, and stops. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#workers);
  }

  /** Closes the connections. */
  close(): void {
    this.#closed = true;
    this.#stopping.abort();
    for (const { agents, networks } of this.#masters.values()) {
      agents.close();
      networks.close();
    }
  }

  async #work(): Promise<void> {
    const own: { readonly node: string; readonly ip: string; deleted: boolean }[] = [];
    while (!this.#stopping.signal.aborted) {
      const known = own[this.#random.below(own.length * 2)];
      if (known === undefined) {
        const number = ++this.#made;
        const agent = { node: `node-${number}`, ip: `10.1.${number >> 8}.${number & 255}`, deleted: false };
        own.push(agent);
        await this.#register(agent.node, agent.ip);
      } else if (known.deleted || this.#random.next() < 0.5) {
        await this.#register(known.node, known.ip);
        known.deleted = false;
      } else {
        await this.#delete(known.node, known.ip);
        known.deleted = true;
      }
      await sleep(PACE_MS);
    }
  }

  async #register(nodeId: string, ip: string): Promise<void> {
    const request = { nodeId, ip, networkConfig: BOTH_HALVES, attributes: {} };
    const { assignment } = await this.#insist({ type: 'register-begun', node: nodeId }, ({ agents }) =>
      agents.registerAgent(request),
    );
    if (assignment === undefined) throw new OverlayError('internal', `${nodeId} got no assignment`);
    this.#acknowledge({ type: 'registered', ...grantOf(assignment) });
  }

  async #delete(node: string, ip: string): Promise<void> {
    await this.#insist({ type: 'delete-begun', node }, ({ networks }) =>
      networks.deleteAgents({ ips: [ip], force: true }),
    );
    this.#acknowledge({ type: 'deleted', node });
  }

  #acknowledge(event: HistoryEvent): void {
    this.events.push(event);
    this.#acknowledged += 1;
  }

  /** Repeats a call until a master acknowledges it. @throws OverlayError what time cannot mend. */
  async #insist<T>(begun: HistoryEvent, call: (master: MasterClients) => Promise<T>): Promise<T> {
    for (;;) {
      this.events.push(begun);
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
