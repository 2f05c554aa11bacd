import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const RESERVE_BYTES = 256 * 1024;

/**
 * A file that takes space while there is some, to give it back when a full disk would keep a container's
 * addresses from being released (a store that copies on write needs room even to delete).
 */
export class SpaceReserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the space if it is not taken. Without room nothing happens. Repeatable. */
  take(): void {
    if (existsSync(this.#path)) return;
    const temporary = `${this.#path}.tmp`;
    try {
      const file = openSync(temporary, 'w', 0o600);
      try {
        // Random, so that no file system compresses the space away.
        writeFileSync(file, randomFillSync(Buffer.alloc(RESERVE_BYTES)));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, this.#path);
    } catch {
      rmSync(temporary, { force: true });
    }
  }

  /** Gives the space back. @returns true if there was any to give. */
  yield(): boolean {
    if (!existsSync(this.#path)) return false;
    rmSync(this.#path, { force: true });
    return true;
  }
}
