import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { writeFileAtomically } from '@overlay/service';
import { z } from 'zod';
import { replayFiles } from '../queue/replay-files.js';

const owedSchema = z.strictObject({
  method: z.enum(['IpamDriver.ReleaseAddress', 'IpamDriver.ForgetAddress']),
  body: z.unknown(),
});

/** A call that gives an address back. Their order does not matter, and repeating one is safe until a new request. */
export type OwedCall = z.output<typeof owedSchema>;

/** What overlay-ipam has to be told before Docker gets another address. */
export interface OwedCalls {
  /** Keeps a call over restarts and losses of power. @throws OverlayError `unavailable` if it cannot be written. */
  add(call: OwedCall): Promise<void>;
  /**
   * Performs what is kept and forgets it.
   * @param perform answers why the call makes no sense, or undefined if it is done; the call is kept if it rejects
   * @returns how many were performed.
   * @throws what `perform` throws; OverlayError `failed_precondition` naming what cannot be changed on disk.
   */
  deliver(perform: (call: OwedCall) => Promise<string | undefined>): Promise<number>;
}

const KEY = 'releases_dir';
const SUFFIX = '.json';

/** {@link OwedCalls} in a folder: a file for each, named by its content, so that what is owed twice is there once. */
export class OwedCallsFolder implements OwedCalls {
  readonly #folder: string;
  readonly #onSetAside: (file: string, reason: string) => void;

  /** @param onSetAside told of each file that is of no use and was put into the folder `unreadable` */
  constructor(folder: string, onSetAside: (file: string, reason: string) => void) {
    this.#folder = folder;
    this.#onSetAside = onSetAside;
  }

  async add(call: OwedCall): Promise<void> {
    const text = JSON.stringify(call);
    const name = createHash('sha256').update(text).digest('hex').slice(0, 32);
    try {
      await writeFileAtomically(join(this.#folder, `${name}${SUFFIX}`), text, 0o600);
    } catch (error) {
      const reason = toOverlayError(error).message;
      throw new OverlayError('unavailable', `${KEY}: ${this.#folder} cannot be written: ${reason}`);
    }
  }

  deliver(perform: (call: OwedCall) => Promise<string | undefined>): Promise<number> {
    return replayFiles({
      folder: this.#folder,
      key: KEY,
      suffix: SUFFIX,
      perform: async (text) => {
        const call = parseOwedCall(text);
        return call === undefined ? 'it is no call that gives an address back' : perform(call);
      },
      onSetAside: this.#onSetAside,
    });
  }
}

function parseOwedCall(text: string): OwedCall | undefined {
  try {
    return owedSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
