import { request } from 'node:http';
import { DOCKER_PATH, type DockerAnswer, UNTIL_HEADER } from '../docker/docker-routes.js';
import type { HostClock } from '../host-clock.js';
import type { CallOutcome, IpamCaller } from './ipam-caller.js';

/** Node's timers may be a millisecond early, and by then overlay-ipam must have refused. */
const TIMER_SLACK_MS = 5;

/** Calls overlay-ipam on its HTTP socket, each time on a connection of its own: one of an ended process is no trap. */
export class HttpIpamCaller implements IpamCaller {
  readonly #socket: string;
  readonly #clock: Pick<HostClock, 'instant'>;

  constructor(socket: string, clock: Pick<HostClock, 'instant'>) {
    this.#socket = socket;
    this.#clock = clock;
  }

  call(method: string, body: unknown, untilMs: number): Promise<CallOutcome> {
    const leftMs = untilMs - this.#clock.instant().uptimeMs;
    if (leftMs <= 0) return Promise.resolve({ kind: 'undelivered', reason: this.#silence() });
    const text = JSON.stringify(body);
    return new Promise((resolve) => {
      let isConnected = false;
      const call = request({
        socketPath: this.#socket,
        path: `${DOCKER_PATH}/${method}`,
        method: 'POST',
        agent: false,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
          [UNTIL_HEADER]: String(untilMs),
        },
      });
      const end = (outcome: CallOutcome) => {
        clearTimeout(timer);
        resolve(outcome);
        call.destroy();
      };
      const fail = (reason: string) => end({ kind: isConnected ? 'unknown' : 'undelivered', reason });
      const timer = setTimeout(() => fail(this.#silence()), leftMs + TIMER_SLACK_MS);
      call.once('socket', (socket) => {
        socket.once('connect', () => {
          isConnected = true;
        });
      });
      call.on('error', ({ message }) => fail(`overlay-ipam is down (${message})`));
      call.once('response', (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.once('error', ({ message }) => fail(`overlay-ipam ended before it answered (${message})`));
        response.once('end', () => {
          const answer = parseAnswer(response.statusCode, Buffer.concat(pieces).toString('utf8'));
          if (answer === undefined) fail(`what listens on ${this.#socket} is not overlay-ipam`);
          else end({ kind: 'answered', answer });
        });
      });
      call.end(text);
    });
  }

  #silence(): string {
    return `overlay-ipam does not answer on ${this.#socket}: it is stopped, or its disk is slow`;
  }
}

function parseAnswer(status: number | undefined, text: string): DockerAnswer | undefined {
  if (status !== 200) return undefined;
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null
      ? Object.fromEntries(Object.entries(answer))
      : undefined;
  } catch {
    return undefined;
  }
}
