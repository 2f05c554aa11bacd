import { toOverlayError } from '@overlay/failure';
import type { CniDirectory, CniFile } from './cni-directory.js';

/** A file that a network wants in a folder. */
export interface WantedFile {
  readonly networkId: string;
  readonly file: CniFile;
}

/** What became of the files of a folder. */
export interface AppliedFiles {
  /** By network id; one network's failure does not stop the others. */
  readonly errors: ReadonlyMap<string, string>;
  /** Names of the files that were removed. */
  readonly removed: readonly string[];
}

/**
 * Makes our files in a folder those wanted: writes what differs, removes ours that nobody wants or keeps.
 * @param kept names of files that stay as they are
 * @throws the file system's error if the folder cannot be read.
 */
export async function applyCniFiles(
  directory: CniDirectory,
  wanted: readonly WantedFile[],
  kept: ReadonlySet<string>,
): Promise<AppliedFiles> {
  const found = new Map((await directory.list()).map(({ name, content }) => [name, content]));
  const errors = new Map<string, string>();
  for (const { networkId, file } of wanted) {
    if (found.get(file.name) === file.content) continue;
    try {
      await directory.write(file);
    } catch (thrown) {
      errors.set(networkId, toOverlayError(thrown).message);
    }
  }
  const wantedNames = new Set(wanted.map(({ file }) => file.name));
  const removed = [...found.keys()].filter((name) => !wantedNames.has(name) && !kept.has(name));
  for (const name of removed) await directory.remove(name);
  return { errors, removed };
}
