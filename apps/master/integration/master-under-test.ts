import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MasterServiceService, NetworkServiceService, type RegisterAgentResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { masterConfiguration, type NetworkId } from '@overlay/model';
import { openEmbeddedOverlayLog } from '@overlay/overlay-log';
import { createRpcClient, type RpcClient } from '@overlay/rpc';
import { createLogger, Metrics, Readiness, type RunningProcess, systemClock } from '@overlay/service';
import type { CertificateFiles } from '@overlay/testbed';
import { NO_FAIL_POINTS } from '../src/commit/fail-points.js';
import { runMaster } from '../src/master.js';

/** What the master is configured with unless a test says otherwise. */
export const NETWORK = {
  vtep_subnet: '44.128.0.0/20',
  vtep_subnet6: 'fd01:a::/64',
  overlays: [
    { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24 },
    { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80 },
  ],
};

/** A node that wants an ordinary host's share. */
export const BOTH_HALVES = { allocateSubnet: true, mesosBridge: true, dockerBridge: true };

/** An answer over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** TLS on its listeners; none without. */
export interface Security {
  readonly server?: CertificateFiles;
  readonly client?: CertificateFiles;
  /** `require_node_certificates`. */
  readonly nodeCertificates?: boolean;
}

interface Running {
  readonly process: RunningProcess;
  readonly agents: RpcClient<typeof MasterServiceService>;
  readonly networks: RpcClient<typeof NetworkServiceService>;
}

/** A master in this process, on sockets and with an embedded log in a folder of its own. */
export class MasterUnderTest {
  #folder = '';
  #running: Running | undefined;
  #ids = 0;

  /** The agents' client. */
  get agents(): Running['agents'] {
    return this.#started().agents;
  }

  /** The operators' client. */
  get networks(): Running['networks'] {
    return this.#started().networks;
  }

  /** Where its gRPC listener is. */
  get target(): string {
    return `unix:${this.#folder}/grpc.sock`;
  }

  /**
   * Starts it and waits until it leads. With TLS its own clients are those that `security` names.
   * @throws what made it fail.
   */
  async start(network: unknown = NETWORK, security: Security = {}): Promise<void> {
    if (this.#folder === '') this.#folder = mkdtempSync(join(tmpdir(), 'overlay-master-'));
    const folder = this.#folder;
    const config = masterConfiguration.parse({
      listen: { grpc: `unix:${folder}/grpc.sock`, http: `unix:${folder}/http.sock` },
      log: { dir: join(folder, 'log') },
      network,
      ...(security.server === undefined
        ? {}
        : { tls: security.server, require_node_certificates: security.nodeCertificates ?? false }),
    });
    const readiness = new Readiness();
    const process = await runMaster({
      config,
      openLog: () => openEmbeddedOverlayLog({ dir: join(folder, 'log') }),
      adoptNetworks: false,
      instanceId: 'test',
      random: Math.random,
      newNetworkId: () => `network-${this.#ids++}` as NetworkId,
      failPoints: NO_FAIL_POINTS,
      clock: systemClock,
      logger: createLogger('overlay-master', 'silent'),
      metrics: new Metrics('overlay-master'),
      readiness,
      networksPage: { static: join(folder, 'no-page'), modules: join(folder, 'no-page') },
    });
    const { target } = this;
    const tls = security.client;
    this.#running = {
      process,
      agents: createRpcClient(MasterServiceService, { target, tls }),
      networks: createRpcClient(NetworkServiceService, { target, tls }),
    };
    await this.#untilReady(process, readiness);
  }

  /** Stops it; its log stays. Repeatable. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.agents.close();
    running?.networks.close();
    await running?.process.close();
  }

  /** Stops it and removes its folder. Repeatable. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = '';
  }

  /** Registers a node that wants both halves. */
  register(nodeId: string, ip: string): Promise<RegisterAgentResponse> {
    return this.agents.registerAgent({ nodeId, ip, networkConfig: BOTH_HALVES, attributes: {} });
  }

  /** One request over HTTP. */
  http(method: string, path: string, body = '', headers: Record<string, string> = {}): Promise<HttpAnswer> {
    const socketPath = `${this.#folder}/http.sock`;
    return new Promise((resolve, reject) => {
      const call = httpRequest({ socketPath, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  /** `GET /overlay-master/state`. */
  async state(): Promise<unknown> {
    return JSON.parse((await this.http('GET', '/overlay-master/state')).text);
  }

  async #untilReady(master: RunningProcess, readiness: Readiness): Promise<void> {
    let failure: OverlayError | undefined;
    void master.failed?.then((error) => {
      failure = error;
    });
    while (readiness.reasons().length > 0 && failure === undefined) await systemClock.sleep(2);
    if (failure === undefined) return;
    await this.stop();
    throw failure;
  }

  #started(): Running {
    if (this.#running === undefined)
      throw new OverlayError('failed_precondition', 'the master is not started');
    return this.#running;
  }
}
