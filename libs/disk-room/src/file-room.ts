import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';

const CHUNK = Buffer.alloc(64 * 1024);
/** How much longer than asked for the file becomes if the disk has it, so that few commits write any of it. */
const STEP_BYTES = 256 * 1024;

/** The room that stands ready at the end of a store's file, so that the store never meets a full disk itself. */
export class FileRoom {
  readonly #path: string;
  /** The file was this long when it was looked at; it never shrinks. */
  #lengthBytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Makes the file at least so long, with room that is really there. Repeatable.
   * @throws the file system's error, with its reason; the content is as it was then.
   */
  ensure(lengthBytes: number): void {
    if (lengthBytes <= this.#lengthBytes) return;
    const file = openSync(this.#path, 'r+');
    try {
      this.#lengthBytes = fstatSync(file).size;
      if (lengthBytes <= this.#lengthBytes) return;
      try {
        this.#grow(file, lengthBytes + STEP_BYTES);
      } catch (error) {
        if (this.#lengthBytes < lengthBytes) throw error;
      }
    } finally {
      closeSync(file);
    }
  }

  #grow(file: number, lengthBytes: number): void {
    while (this.#lengthBytes < lengthBytes) {
      const count = Math.min(CHUNK.length, lengthBytes - this.#lengthBytes);
      this.#lengthBytes += writeSync(file, CHUNK, 0, count, this.#lengthBytes);
    }
  }
}
