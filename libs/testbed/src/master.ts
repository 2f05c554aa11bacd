import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { AppProcess } from './app-process.js';
import { listUnsettled, type MasterState } from './overlay-state.js';
import { type Configuration, mergeConfig, planMasterConfig } from './process-configs.js';
import { httpAnswersOk } from './readiness.js';
import type { Surroundings } from './surroundings.js';

/** What a master is told. */
export interface MasterSpec {
  /** For messages: `m1`. */
  readonly owner: string;
  readonly folder: string;
  /** `ADDRESS:PORT` on the underlay. */
  readonly grpcAddress: string;
  readonly httpPort: number;
  /** Laid over the testbed's own configuration; names the log. */
  readonly config: Configuration;
}

/** A paused process accepts connections and says nothing. */
const ROLE_ANSWER_MS = 500;

/** A master: in the root namespace, so that the caller reaches it, and on the underlay, so that agents do. */
export class Master extends AppProcess {
  /** `ADDRESS:PORT` of its gRPC listener on the underlay (plaintext). */
  readonly grpcAddress: string;
  /** Base URL of its HTTP listener, without a slash at the end. */
  readonly httpUrl: string;
  readonly stateDir: string;

  constructor(around: Surroundings, spec: MasterSpec) {
    const { owner, folder, grpcAddress, httpPort, config } = spec;
    const httpUrl = `http://127.0.0.1:${httpPort}`;
    super(around, {
      app: 'master',
      owner,
      folder,
      enter: [],
      config: mergeConfig(planMasterConfig(grpcAddress, httpPort), config),
      listening: httpAnswersOk(`${httpUrl}/healthz`),
      ready: httpAnswersOk(`${httpUrl}/readyz`),
    });
    this.grpcAddress = grpcAddress;
    this.httpUrl = httpUrl;
    this.stateDir = join(folder, 'state');
  }

  /** Whether it says at once that it leads; one that is dead, paused or not up yet does not. */
  async leads(): Promise<boolean> {
    if (!this.running) return false;
    try {
      const response = await fetch(`${this.httpUrl}/metrics`, {
        signal: AbortSignal.timeout(ROLE_ANSWER_MS),
      });
      return /^overlay_master_leader(\{.*\})? 1$/m.test(await response.text());
    } catch {
      return false;
    }
  }

  /** `GET /overlay-master/state`. @throws OverlayError `unavailable` when the master does not answer. */
  async state(): Promise<MasterState> {
    const url = `${this.httpUrl}/overlay-master/state`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch((cause: unknown) => {
      throw new OverlayError('unavailable', `${url} cannot be reached: ${String(cause)}`, { cause });
    });
    if (!response.ok) throw new OverlayError('unavailable', `${url} answers ${response.status}`);
    return (await response.json()) as MasterState;
  }

  /**
   * Waits until every one of the agents shows STATUS_OK for every one of the networks.
   *
   * @param agents underlay addresses.
   * @param networks names; all networks of the state when absent.
   * @throws OverlayError `deadline_exceeded` naming each agent and network that is not there yet.
   */
  async waitSettled(
    agents: readonly string[],
    networks?: readonly string[],
    timeoutMs = 30_000,
  ): Promise<MasterState> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const state = await this.state();
      const names = networks ?? (state.network.overlays ?? []).map(({ name }) => name);
      const unsettled = listUnsettled(state, agents, names);
      if (unsettled.length === 0) return state;
      if (Date.now() > deadline) {
        const lines = unsettled.map((line) => `  ${line}`).join('\n');
        throw new OverlayError(
          'deadline_exceeded',
          `not every network is up after ${timeoutMs} ms:\n${lines}`,
        );
      }
      await sleep(50);
    }
  }
}
