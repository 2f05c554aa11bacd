import { Agent } from 'node:http';
import { OverlayError } from '@overlay/failure';
import Docker from 'dockerode';
import { dockerFailure } from './docker-failure.js';
import type {
  DockerContainer,
  DockerNetwork,
  DockerNetworkSettings,
  DockerNetworks,
} from './docker-networks.js';
import { readDockerContainer, readDockerNetwork } from './read-docker-answers.js';

/** The events after which networks or containers are not what they were. */
const EVENTS: NonNullable<Docker.GetEventsOptions['filters']> = {
  type: ['network', 'container'],
  event: ['create', 'destroy', 'remove', 'connect', 'disconnect', 'start', 'die'],
};

/** How Podman names itself among the parts of the engine that it plays. */
const PODMAN = 'Podman Engine';

/** The Docker engine behind a unix socket, through its API. Connects anew for each call. */
export class EngineDockerNetworks implements DockerNetworks {
  readonly socket: string;
  readonly #engine: Docker;
  /** The same, for answers that never end. */
  readonly #events: Docker;
  readonly #timeoutMs: number;

  /** @param timeoutMs longest wait for one answer */
  constructor(socket: string, timeoutMs: number) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    // A connection kept alive would be that of an engine which has restarted since.
    const options = { socketPath: socket, agent: new Agent({ keepAlive: false }), timeout: timeoutMs };
    this.#engine = new Docker(options);
    this.#events = new Docker({ ...options, timeout: undefined });
  }

  async version(signal: AbortSignal): Promise<string> {
    const answer = await this.#call(signal, () => this.#engine.version());
    if (answer.Components?.some(({ Name }) => Name === PODMAN) === true) {
      throw new OverlayError(
        'unimplemented',
        `${this.socket} is Podman's, whose containers take the CNI half`,
      );
    }
    return answer.Version;
  }

  async list(signal: AbortSignal): Promise<readonly DockerNetwork[]> {
    const answer = await this.#call(signal, (abortSignal) => this.#engine.listNetworks({ abortSignal }));
    return answer.map(readDockerNetwork);
  }

  async create(settings: DockerNetworkSettings, signal: AbortSignal): Promise<void> {
    const request = {
      Name: settings.name,
      CheckDuplicate: true,
      Driver: settings.driver,
      Internal: settings.internal,
      ...(settings.ipv4 ? {} : { EnableIPv4: false }),
      EnableIPv6: settings.ipv6,
      IPAM: {
        Driver: settings.ipamDriver,
        Config: settings.subnets.map(({ subnet, gateway, range }) => ({
          Subnet: subnet,
          ...(gateway === '' ? {} : { Gateway: gateway }),
          ...(range === '' ? {} : { IPRange: range }),
        })),
      },
      Options: { ...settings.options },
      Labels: { ...settings.labels },
    };
    await this.#call(signal, (abortSignal) => this.#engine.createNetwork({ ...request, abortSignal }));
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal, async (abortSignal) => {
      try {
        await this.#engine.getNetwork(id).remove({ abortSignal });
      } catch (thrown) {
        if (!isGone(thrown)) throw thrown;
      }
    });
  }

  async listContainers(signal: AbortSignal): Promise<readonly DockerContainer[]> {
    const answer = await this.#call(signal, (abortSignal) =>
      this.#engine.listContainers({ all: true, abortSignal }),
    );
    return answer.map(readDockerContainer);
  }

  async *watchChanges(signal: AbortSignal): AsyncIterable<void> {
    const ended = new AbortController();
    const end = () => ended.abort();
    signal.addEventListener('abort', end, { once: true });
    try {
      const events = await this.#call(ended.signal, (abortSignal) => {
        abortSignal.addEventListener('abort', end, { once: true });
        return this.#events.getEvents({ filters: EVENTS, abortSignal: ended.signal });
      });
      yield;
      for await (const _event of events) yield;
    } catch (thrown) {
      if (!signal.aborted) throw dockerFailure(thrown);
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** One call, cut off when it takes too long or the signal aborts. */
  async #call<T>(signal: AbortSignal, call: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const cut = new AbortController();
    const abort = () => cut.abort();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abort();
    }, this.#timeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      return await Promise.race([call(cut.signal), failedOnce(cut.signal)]);
    } catch (thrown) {
      if (!late) throw dockerFailure(thrown);
      throw new OverlayError('deadline_exceeded', `no answer within ${this.#timeoutMs} ms`, {
        cause: thrown,
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }
}

/** Fails when the signal aborts: some calls know no signal, and end by the connection's own timeout. */
function failedOnce(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new OverlayError('aborted', 'the call was cut off')), {
      once: true,
    });
  });
}

function isGone(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && Reflect.get(thrown, 'statusCode') === 404;
}
