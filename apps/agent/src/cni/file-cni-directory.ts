import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { syncFolder, writeFileAtomically } from '@overlay/service';
import { isMissingFile } from '../missing-file.js';
import type { CniDirectory, CniFile } from './cni-directory.js';
import { type CniFileKind, isOurCniFile, isOurCniFileName } from './cni-ownership.js';

/** What a write that a kill interrupted leaves beside the file. */
const INTERRUPTED_WRITE = /^\.[A-Za-z0-9][A-Za-z0-9_.-]*\.(?:conf|conflist)\.[0-9a-f]{12}\.tmp$/;

/** A folder on disk. */
export class FileCniDirectory implements CniDirectory {
  readonly path: string;
  readonly #kind: CniFileKind;
  readonly #onUnreadable: (path: string, reason: string) => void;
  readonly #told = new Set<string>();

  /**
   * @param kind what we write there
   * @param onUnreadable told once of each entry with a name like ours that cannot be read, and is passed over
   */
  constructor(
    path: string,
    kind: CniFileKind,
    onUnreadable: (path: string, reason: string) => void = () => undefined,
  ) {
    this.path = path;
    this.#kind = kind;
    this.#onUnreadable = onUnreadable;
  }

  async list(): Promise<readonly CniFile[]> {
    const files: CniFile[] = [];
    for (const name of await this.#names()) {
      if (!isOurCniFileName(this.#kind, name)) continue;
      const content = await this.#readIfPossible(name);
      if (content !== undefined && isOurCniFile(this.#kind, { name, content })) files.push({ name, content });
    }
    return files;
  }

  async write({ name, content }: CniFile): Promise<void> {
    const found = await this.#read(name);
    if (found === content) return;
    if (found !== undefined && !isOurCniFile(this.#kind, { name, content: found })) {
      throw this.#taken(name, 'was not written by overlay-agent, or was changed since');
    }
    await writeFileAtomically(join(this.path, name), content);
  }

  async remove(name: string): Promise<void> {
    const content = await this.#readIfPossible(name);
    if (content === undefined || !isOurCniFile(this.#kind, { name, content })) return;
    await rm(join(this.path, name), { force: true });
    await syncFolder(this.path);
  }

  /** Removes what interrupted writes of an earlier process left. Repeatable. */
  async removeInterruptedWrites(): Promise<void> {
    for (const name of await this.#names()) {
      if (INTERRUPTED_WRITE.test(name)) await rm(join(this.path, name), { force: true });
    }
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.path)).toSorted();
    } catch (error) {
      if (isMissingFile(error)) return [];
      throw error;
    }
  }

  /** @throws OverlayError `already_exists` for what is no file, or none that can be read. */
  async #read(name: string): Promise<string | undefined> {
    const path = join(this.path, name);
    try {
      // A pipe would be waited for.
      if (!(await stat(path)).isFile()) throw new Error('it is no file');
      return await readFile(path, 'utf8');
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw this.#taken(name, `cannot be read (${toOverlayError(error).message})`);
    }
  }

  async #readIfPossible(name: string): Promise<string | undefined> {
    try {
      return await this.#read(name);
    } catch (thrown) {
      if (!this.#told.has(name)) this.#onUnreadable(join(this.path, name), toOverlayError(thrown).message);
      this.#told.add(name);
      return undefined;
    }
  }

  #taken(name: string, what: string): OverlayError {
    const wayOut = 'remove it or name the network otherwise';
    return new OverlayError('already_exists', `${join(this.path, name)} ${what}: ${wayOut}`);
  }
}
