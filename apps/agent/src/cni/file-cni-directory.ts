import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { syncFolder, writeFileAtomically } from '@overlay/service';
import { isMissingFile } from '../missing-file.js';
import type { CniDirectory, CniFile } from './cni-directory.js';
import { isOurCniConfiguration } from './cni-ownership.js';

/** What CNI runtimes read as configurations. */
const CONFIGURATION = /\.(?:conf|conflist|json)$/;

/** What a write that a kill interrupted leaves beside the file. */
const INTERRUPTED_WRITE = /^\.[A-Za-z0-9][A-Za-z0-9_.-]*\.(?:conf|conflist)\.[0-9a-f]{12}\.tmp$/;

/** A folder on disk. */
export class FileCniDirectory implements CniDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async list(): Promise<readonly CniFile[]> {
    const files: CniFile[] = [];
    for (const name of await this.#names()) {
      if (!CONFIGURATION.test(name)) continue;
      const content = await this.#read(name);
      if (content !== undefined && isOurCniConfiguration(content)) files.push({ name, content });
    }
    return files;
  }

  async write({ name, content }: CniFile): Promise<void> {
    const found = await this.#read(name);
    if (found === content) return;
    if (found !== undefined && !isOurCniConfiguration(found)) {
      const path = join(this.path, name);
      const wayOut = 'remove it or name the network otherwise';
      throw new OverlayError('already_exists', `${path} belongs to another program: ${wayOut}`);
    }
    await writeFileAtomically(join(this.path, name), content);
  }

  async remove(name: string): Promise<void> {
    const found = await this.#read(name);
    if (found === undefined || !isOurCniConfiguration(found)) return;
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

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, name), 'utf8');
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw error;
    }
  }
}
