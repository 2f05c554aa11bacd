import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { withoutLength } from './cluster-state.js';
import type { Grant, HistoryEvent } from './history.js';
import type { InsistentMasters, MasterClients } from './insistent-masters.js';
import type { SeededRandom } from './seeded-random.js';

const BOTH_HALVES = { allocateSubnet: true, mesosBridge: true, dockerBridge: true };
/** Between two things that one worker does, so that the machine has time for the rest of the test. */
const PACE_MS = 15;

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
  readonly #masters: InsistentMasters;
  readonly #stopping = new AbortController();
  #workers: readonly Promise<void>[] = [];
  #acknowledged = 0;
  #made = 0;

  constructor(masters: InsistentMasters, random: SeededRandom) {
    this.#masters = masters;
    this.#random = random;
  }

  /** How many registrations and deletions were acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Begins, several workers at a time; each has nodes of its own. */
  start(workers: number): void {
    this.#workers = Array.from({ length: workers }, () => this.#work());
    for (const worker of this.#workers) worker.catch(() => undefined); // stop() tells
  }

  /**
   * Loads the leader until the returned function is called: each worker has one agent, which it deletes and registers in
   * turn without a pause, so that as many commands as workers wait for a commit.
   * @returns what resolves once every worker has finished what it began.
   */
  saturate(workers: number): () => Promise<void> {
    const stopping = new AbortController();
    const toggling = Array.from({ length: workers }, (_, worker) => this.#toggle(worker, stopping.signal));
    for (const worker of toggling) worker.catch(() => undefined); // who stops it is told
    return async () => {
      stopping.abort();
      await Promise.all(toggling);
    };
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

  async #toggle(worker: number, signal: AbortSignal): Promise<void> {
    const [node, ip] = [`busy-${worker}`, `10.4.0.${worker}`];
    while (!signal.aborted) {
      await this.#register(node, ip);
      await this.#delete(node, ip);
    }
  }

  async #register(nodeId: string, ip: string): Promise<void> {
    const request = { nodeId, ip, networkConfig: BOTH_HALVES, attributes: {} };
    const { assignment } = await this.#masters.insist(
      () => this.events.push({ type: 'register-begun', node: nodeId }),
      ({ agents }) => agents.registerAgent(request),
    );
    if (assignment === undefined) throw new OverlayError('internal', `${nodeId} got no assignment`);
    this.#acknowledge({ type: 'registered', ...grantOf(assignment) });
  }

  async #delete(node: string, ip: string): Promise<void> {
    await this.#masters.insist(
      () => this.events.push({ type: 'delete-begun', node }),
      ({ networks }) => networks.deleteAgents({ ips: [ip], force: true }),
    );
    this.#acknowledge({ type: 'deleted', node });
  }

  #acknowledge(event: HistoryEvent): void {
    this.events.push(event);
    this.#acknowledged += 1;
  }
}
