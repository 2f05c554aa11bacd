import { OverlayError } from '@overlay/failure';
import type { CniDirectory, CniFile } from './cni-directory.js';
import { type CniFileKind, isOurCniFile } from './cni-ownership.js';

/** A folder in memory, for tests. `files` may be changed by hand as another program would. */
export class FakeCniDirectory implements CniDirectory {
  readonly path = '/fake/cni';
  readonly files = new Map<string, string>();
  /** How many writes and removals changed something. */
  changes = 0;
  readonly #kind: CniFileKind;

  constructor(kind: CniFileKind) {
    this.#kind = kind;
  }

  async list(): Promise<readonly CniFile[]> {
    return [...this.files]
      .map(([name, content]) => ({ name, content }))
      .filter((file) => isOurCniFile(this.#kind, file))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async write({ name, content }: CniFile): Promise<void> {
    const found = this.files.get(name);
    if (found === content) return;
    if (found !== undefined && !isOurCniFile(this.#kind, { name, content: found })) {
      throw new OverlayError('already_exists', `${this.path}/${name} belongs to another program`);
    }
    this.files.set(name, content);
    this.changes += 1;
  }

  async remove(name: string): Promise<void> {
    const content = this.files.get(name);
    if (content === undefined || !isOurCniFile(this.#kind, { name, content })) return;
    this.files.delete(name);
    this.changes += 1;
  }
}
