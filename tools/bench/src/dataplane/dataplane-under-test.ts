import { readFile } from 'node:fs/promises';
import {
  type ApplyPeersResponse,
  DataplaneServiceService,
  type GetStatusResponse,
  type Peer,
  type TopologyFrame,
} from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { createRpcClient } from '@overlay/rpc';
import { HOST_HTTP, type Host } from '@overlay/testbed';
import { sampleDelta, sampleHost, sampleSnapshot } from './sample-cluster.js';

/** A purge of the largest cluster takes its time. */
const TIMEOUT_MS = 600_000;

/** A call's time and what it wrote. */
export interface Applied {
  readonly seconds: number;
  readonly written: number;
}

/** The real process on a host of a testbed; we play its agent. */
export class DataplaneUnderTest {
  readonly #host: Host;
  readonly #client;
  #revision = 0n;

  constructor(host: Host) {
    this.#host = host;
    this.#client = createRpcClient(DataplaneServiceService, {
      target: `unix:${host.paths.dataplaneSocket}`,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** Describes the host; nothing of peers yet. */
  async applyHost(): Promise<Applied> {
    return this.#timed(() => this.#client.applyHost(sampleHost(this.#host.address.ipv4)));
  }

  /** A whole snapshot through `ApplyPeers`, until it is in the kernel. */
  async applySnapshot(peers: readonly Peer[]): Promise<Applied> {
    this.#revision += 1n;
    const frames = sampleSnapshot(peers, this.#revision);
    return this.#timed(() => this.#stream(frames));
  }

  /** One open stream: a snapshot of all, then `changes`, each timed from its frame until it is in the kernel. */
  async applyChanges(peers: readonly Peer[], changes: readonly Peer[]): Promise<readonly Applied[]> {
    const applied: Applied[] = [];
    this.#revision += 1n;
    const written = async () => sumOf(await this.#metrics(), 'overlay_dataplane_objects_written_total');
    const reached = async () => {
      const untilMs = performance.now() + TIMEOUT_MS;
      while ((await this.status()).appliedRevision < this.#revision)
        if (performance.now() > untilMs) throw new OverlayError('deadline_exceeded', 'a change never came');
    };
    const frames = async function* (this: DataplaneUnderTest) {
      yield* sampleSnapshot(peers, this.#revision);
      await reached();
      for (const change of changes) {
        const before = await written();
        this.#revision += 1n;
        const startMs = performance.now();
        yield sampleDelta([change], this.#revision);
        await reached();
        applied.push({ seconds: (performance.now() - startMs) / 1000, written: (await written()) - before });
      }
    };
    await this.#stream(frames.call(this));
    return applied;
  }

  /** What the process believes. @throws OverlayError `internal` if something failed or is missing. */
  async expectWhole(): Promise<void> {
    const { failures, objects } = await this.status();
    const missing = objects.filter(({ desired, present }) => desired !== present);
    const [failure] = failures;
    if (failure !== undefined)
      throw new OverlayError('internal', `${failure.kind} ${failure.object}: ${failure.error}`);
    if (missing.length > 0)
      throw new OverlayError('internal', `missing: ${missing.map(({ kind }) => kind).join(', ')}`);
  }

  /** `GetStatus`. */
  status(): Promise<GetStatusResponse> {
    return this.#client.getStatus({});
  }

  /** Removes everything. @throws OverlayError `internal` if something is left. */
  async purge(): Promise<number> {
    const startMs = performance.now();
    const { leftovers } = await this.#client.purge({ verify: false });
    const [left] = leftovers;
    if (left !== undefined) throw new OverlayError('internal', `${left} survived the purge`);
    return (performance.now() - startMs) / 1000;
  }

  /** Resident memory in bytes, at this moment and at its peak (`VmRSS` and `VmHWM` of proc_pid_status(5)). */
  async memory(): Promise<{ readonly now: number; readonly peak: number }> {
    const status = await readFile(`/proc/${this.#host.dataplane.pid}/status`, 'utf8');
    const bytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
    return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
  }

  /** Leaves the process alone. */
  close(): void {
    this.#client.close();
  }

  #stream(frames: Iterable<TopologyFrame> | AsyncIterable<TopologyFrame>): Promise<ApplyPeersResponse> {
    async function* requests() {
      for await (const frame of frames) yield { frame };
    }
    return this.#client.applyPeers(requests());
  }

  async #timed(call: () => Promise<{ readonly written: bigint }>): Promise<Applied> {
    const startMs = performance.now();
    const { written } = await call();
    return { seconds: (performance.now() - startMs) / 1000, written: Number(written) };
  }

  /** Seconds that a step of large writes took so far, for example `routes`. */
  async stepSeconds(step: string): Promise<number> {
    return sumOf(await this.#metrics(), 'overlay_dataplane_step_seconds_sum', `step="${step}"`);
  }

  async #metrics(): Promise<string> {
    return this.#host.execOrFail(['curl', '--silent', `http://${HOST_HTTP.dataplane}/metrics`]);
  }
}

/** The sum of a metric over its labels, or over those sets of labels that have `label`. */
function sumOf(metrics: string, name: string, label = ''): number {
  const series = metrics.matchAll(/^(\w+)(\{.*\})? (\S+)$/gm);
  return [...series]
    .filter(([, found, labels = '']) => found === name && labels.includes(label))
    .reduce((sum, [, , , value]) => sum + Number(value), 0);
}
