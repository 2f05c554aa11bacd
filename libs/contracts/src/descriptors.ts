import { readFileSync } from 'node:fs';

/**
 * The FileDescriptorSet of every contract and its dependencies (google/protobuf/descriptor.proto), as server
 * reflection serves it. Read from the package at the first call.
 */
export function readDescriptorSet(): Uint8Array {
  return readFileSync(new URL('../descriptors/overlay.binpb', import.meta.url));
}
