/** A CNI configuration file of ours. */
export interface CniFile {
  readonly name: string;
  readonly content: string;
}

/**
 * A folder of CNI configurations, shared with other programs, in which we write files of one kind. A file is ours by its
 * name and its content (see `isOurCniFile`); a file of anybody else is neither listed, changed nor removed.
 */
export interface CniDirectory {
  /** The folder's path, for messages. */
  readonly path: string;
  /** Our files in name order. A missing folder is an empty one; what cannot be read is nobody's of us. */
  list(): Promise<readonly CniFile[]>;
  /**
   * Creates or replaces a file of ours atomically: readers see the old content or the new one. Creates the folder.
   * @throws OverlayError `already_exists` if somebody else's file, or anything that is no file, has that name.
   */
  write(file: CniFile): Promise<void>;
  /** Removes a file of ours; somebody else's and a missing one are left as they are. */
  remove(name: string): Promise<void>;
}
