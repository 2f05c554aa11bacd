import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppProcess } from './app-process.js';
import { guardExit } from './exit-guard.js';
import { findFreePort } from './free-port.js';
import { type Configuration, mergeConfig, planMasterConfig, planMasterLog } from './process-configs.js';
import { httpAnswersOk } from './readiness.js';
import { findRepository } from './surroundings.js';

/** A master on loopback, without hosts or namespaces: for what talks to a master and nothing else. */
export class LoneMaster extends AppProcess {
  /** `127.0.0.1:PORT` of its gRPC listener (plaintext). */
  readonly grpcAddress: string;
  /** Base URL of its HTTP listener, without a slash at the end. */
  readonly httpUrl: string;
  readonly #folder: string;
  readonly #release: () => void;

  private constructor(folder: string, ports: { grpc: number; http: number }, config: Configuration) {
    const grpcAddress = `127.0.0.1:${ports.grpc}`;
    const httpUrl = `http://127.0.0.1:${ports.http}`;
    // Without a testbed's mark: no testbed may take this process for a leftover of its own.
    const env = {
      PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
      HOME: folder,
      LANG: 'C.UTF-8',
    };
    super(
      { testbed: 'lone', folder, repository: findRepository(), env },
      {
        app: 'master',
        owner: 'the lone',
        folder,
        enter: [],
        config: mergeConfig(
          { ...planMasterConfig(grpcAddress, ports.http), log: planMasterLog(folder) },
          config,
        ),
        listening: httpAnswersOk(`${httpUrl}/healthz`),
        ready: httpAnswersOk(`${httpUrl}/readyz`),
      },
    );
    this.grpcAddress = grpcAddress;
    this.httpUrl = httpUrl;
    this.#folder = folder;
    this.#release = guardExit(() => {
      this.signal('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }).release;
  }

  /**
   * Starts one with an empty embedded log, ready when this returns.
   *
   * @param config laid over a plain configuration.
   * @throws OverlayError `unavailable` or `deadline_exceeded` with the end of its log; nothing is left then.
   */
  static async start(config: Configuration = {}, timeoutMs?: number): Promise<LoneMaster> {
    const ports = { grpc: await findFreePort(), http: await findFreePort() };
    const master = new LoneMaster(mkdtempSync(join(tmpdir(), 'overlay-lone-master-')), ports, config);
    try {
      await master.start({}, timeoutMs);
      return master;
    } catch (thrown) {
      await master.close();
      throw thrown;
    }
  }

  /** Stops it and removes all that it wrote. Repeatable. */
  async close(): Promise<void> {
    await this.stop();
    this.#release();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
