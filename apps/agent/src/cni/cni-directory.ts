/** A CNI configuration file of ours. */
export interface CniFile {
  readonly name: string;
  readonly content: string;
}

/**
 * A folder of CNI configurations, shared with other programs. A file is ours if its IPAM plugin is
 * `overlay-ipam`, whatever its name; a file of anybody else is neither listed, changed nor removed.
 */
export interface CniDirectory {
  /** The folder's path, for messages. */
  readonly path: string;
  /** Our files in name order. A missing folder is an empty one. */
  list(): Promise<readonly CniFile[]>;
  /**
   * Creates or replaces a file of ours atomically: readers see the old content or the new one. Creates the folder.
   * @throws OverlayError `already_exists` if somebody else's file has that name.
   */
  write(file: CniFile): Promise<void>;
  /** Removes a file of ours; somebody else's and a missing one are left as they are. */
  remove(name: string): Promise<void>;
}
