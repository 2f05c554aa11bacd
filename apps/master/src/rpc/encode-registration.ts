import { type Assignment, RegisterAgentResponse } from '@overlay/contracts';
import type { SharedDefinitions } from '../cluster/cluster.js';

const EMPTY = { assignment: undefined, addressSpace: undefined, networks: [], revision: 0n };

/** Encodes the answers to registrations: what all of them share is encoded once for as long as it stays the same. */
export class RegistrationEncoder {
  /** Used again and again, so that its buffer grows once and not for every answer. */
  readonly #writer = RegisterAgentResponse.encode(EMPTY);
  #definitions: SharedDefinitions | undefined;
  #shared: Uint8Array = new Uint8Array();

  /** The answer as bytes; fields of a message may stand in any order (Protocol Buffers, "Field Order"). */
  encode(assignment: Assignment, definitions: SharedDefinitions, revision: bigint): Buffer {
    if (definitions !== this.#definitions) {
      this.#shared = encodeShared(definitions);
      this.#definitions = definitions;
    }
    const own = { ...EMPTY, assignment, revision };
    const bytes = RegisterAgentResponse.encode(own, this.#writer).raw(this.#shared).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

function encodeShared({ addressSpace, networks }: SharedDefinitions): Uint8Array {
  return RegisterAgentResponse.encode({ ...EMPTY, addressSpace, networks: [...networks] }).finish();
}
