import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentNetwork, NetworkPhase, type NetworkStatus } from '@overlay/contracts';
import { agentConfiguration } from '@overlay/model';
import { systemClock } from '@overlay/service';
import { declareMetrics } from '../agent-metrics.js';
import { AgentState } from '../agent-state.js';
import { AGENT_TIMINGS } from '../agent-timings.js';
import { exampleRegistration } from '../configuration/example-registration.js';
import { hostPorts, loopDeps } from '../testing.js';
import { TopologyStore } from '../topology/topology-store.js';
import { FakeDockerNetworks } from './fake-docker-networks.js';
import { followDocker } from './follow-docker.js';
import { watchDocker } from './watch-docker.js';

/** A folder, and the loops of agents that follow a Docker in memory. */
export class DockerFollowers {
  readonly folder = mkdtempSync(join(tmpdir(), 'overlay-docker-'));
  readonly #store = new TopologyStore(this.folder);
  #stop = new AbortController();
  #loops: Promise<unknown>[] = [];

  /** A host whose kernel, pools and files stand, and its Docker. */
  host(
    docker = new FakeDockerNetworks(),
    networkConfig: Readonly<Record<string, unknown>> = {},
    dockerGoneMs = 20,
  ) {
    const raw = { ip: '10.0.0.1', state_dir: this.folder, network_config: networkConfig };
    const config = agentConfiguration.parse(raw);
    const state = new AgentState(config.network);
    const deps = loopDeps(config, {
      timings: {
        ...AGENT_TIMINGS,
        local: { baseMs: 1, capMs: 5 },
        dockerResyncMs: 20,
        dockerGoneMs,
        silentAfterMs: 20,
      },
      ports: hostPorts(docker),
    });
    const metrics = declareMetrics(deps.metrics, state, this.#store);
    const assign = (networks: readonly AgentNetwork[], deleted: readonly string[] = []) => {
      const registration = exampleRegistration(networks);
      state.setProgress(new Map(networks.map(({ networkId }) => [networkId, { kind: 'configured' }])));
      state.setRegistration({
        ...registration,
        networks: registration.networks.map((one) =>
          deleted.includes(one.id) ? { ...one, phase: NetworkPhase.DELETING } : one,
        ),
      });
    };
    const { signal } = this.#stop;
    this.#loops.push(followDocker(deps, state, metrics, signal), watchDocker(deps, state, signal));
    const stateOf = (name: string) =>
      state.assignment?.networks.find(({ network }) => network?.name === name)?.state ?? {
        status: 0,
        error: '',
      };
    const settles = async (name: string, status: NetworkStatus, text = '') => {
      const settled = () => stateOf(name).status === status && stateOf(name).error.includes(text);
      while (!settled()) await systemClock.sleep(2, signal);
      return stateOf(name);
    };
    return { docker, state, deps, assign, settles };
  }

  /** Ends the agents; another one finds what they left. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    this.#stop = new AbortController();
    this.#loops = [];
  }

  /** Removes everything. */
  async remove(): Promise<void> {
    await this.end();
    await this.#store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
