import type { CallOptions } from '@grpc/grpc-js';
import { OverlayError } from '@overlay/failure';
import { logClosed } from '../log-failures.js';
import type { EtcdClient } from './etcd-client.js';
import { etcdFailure, isOldToken } from './etcd-failure.js';

/** One call to etcd. */
export interface MemberCall<T> {
  /** What is tried, for messages: `read`. */
  readonly doing: string;
  /** Repeatable calls are tried at each member; the others once, for nobody knows whether they happened. */
  readonly repeatable: boolean;
  /** How many times the usual timeout: more for an answer that is long, less for one that nobody has to wait for. */
  readonly patience?: number;
  /** The answer is not waited for any more when it aborts. */
  readonly signal?: AbortSignal;
  readonly run: (client: EtcdClient, options: CallOptions) => Promise<T>;
}

/** A try has at least so much of the usual timeout. */
const LEAST_SHARE = 0.1;

/** A stream to one member. */
interface MemberStream {
  on(event: 'error', listener: (error: Error) => void): unknown;
  end(): unknown;
  cancel(): unknown;
}

/** A stream that was opened. */
export interface OpenStream<T> {
  readonly stream: T;
  /** Leaves the member, for a silent one does not even tell that it failed. Repeatable. */
  readonly moveOn: () => void;
  /** Ends the stream, which tells nothing about the member. Repeatable. */
  readonly giveUp: () => void;
}

/**
 * The members of the cluster. Calls go to the same one until it fails, then to the next: so after the loss of a
 * member at most the calls that were under way there fail.
 */
export class EtcdMembers {
  readonly where: string;
  readonly #clients: readonly EtcdClient[];
  readonly #timeoutMs: number;
  #current = 0;
  #closed = false;

  constructor(clients: readonly EtcdClient[], endpoints: readonly string[], timeoutMs: number) {
    this.#clients = clients;
    this.#timeoutMs = timeoutMs;
    this.where = endpoints.join(', ');
  }

  /**
   * A member that has vanished refuses nothing and is silent for the whole timeout: the tries after it have as much
   * again between them.
   * @throws OverlayError what {@link etcdFailure} says, after at most twice the timeout for all tries together, and
   * `aborted` if the signal of the call aborts first.
   */
  async call<T>(call: MemberCall<T>): Promise<T> {
    const timeoutMs = this.#timeoutMs * (call.patience ?? 1);
    const last = Date.now() + 2 * timeoutMs;
    let failure: OverlayError | undefined;
    for (let tries = call.repeatable ? this.#clients.length : 1; tries > 0; tries -= 1) {
      // What is left would be no try, and its failure would hide why the others failed.
      if (failure !== undefined && last - Date.now() < timeoutMs * LEAST_SHARE) break;
      const { client, moveOn } = this.#pick();
      try {
        const answer = withFreshToken(client, () =>
          call.run(client, { deadline: Math.min(Date.now() + timeoutMs, last) }),
        );
        return await (call.signal === undefined ? answer : unlessLeft(answer, call.signal));
      } catch (thrown) {
        failure = this.failure(thrown, call.doing);
        if (failure.code !== 'unavailable') throw failure;
        moveOn();
      }
    }
    throw failure ?? logClosed();
  }

  /** Opens a stream to the present member, which is left when the stream fails. @throws like {@link call}. */
  async open<T extends MemberStream>(
    doing: string,
    run: (client: EtcdClient) => Promise<T>,
  ): Promise<OpenStream<T>> {
    const { client, moveOn } = this.#pick();
    try {
      const stream = await withFreshToken(client, () => run(client));
      let givenUp = false;
      stream.on('error', (error) => {
        if (givenUp) return;
        if (isOldToken(error)) client.forgetToken();
        moveOn();
      });
      const giveUp = (): void => {
        givenUp = true;
        // Ended first: the client takes the cancellation of an open stream for a failure of its member.
        stream.end();
        stream.cancel();
      };
      return { stream, moveOn, giveUp };
    } catch (thrown) {
      moveOn();
      throw this.failure(thrown, doing);
    }
  }

  /** The failure of a call, in the product's terms. */
  failure(thrown: unknown, doing: string): OverlayError {
    return this.#closed ? logClosed() : etcdFailure(thrown, doing, this.where);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const client of this.#clients) client.close();
  }

  #pick(): { readonly client: EtcdClient; readonly moveOn: () => void } {
    const index = this.#current;
    const client = this.#clients[index];
    if (this.#closed || client === undefined) throw logClosed();
    const moveOn = (): void => {
      if (this.#current === index) this.#current = (index + 1) % this.#clients.length;
    };
    return { client, moveOn };
  }
}

/** The answer, unless the signal aborts first. Leaves no listener behind. */
function unlessLeft<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(new OverlayError('aborted', 'the call to etcd was called off'));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    const settle = (): void => signal.removeEventListener('abort', leave);
    answer.then(resolve, reject).then(settle, settle);
  });
}

/** Once more with a new token where the old one was refused: etcd did nothing then, so that any call can be repeated. */
async function withFreshToken<T>(client: EtcdClient, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    if (!isOldToken(thrown)) throw thrown;
    client.forgetToken();
    return run();
  }
}
