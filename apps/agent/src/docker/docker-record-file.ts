import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { writeFileAtomically } from '@overlay/service';
import { isMissingFile } from '../missing-file.js';

/** What of the overlay stands in Docker. */
export interface DockerRecord {
  /** Ids of the overlay networks that have a Docker network on this host. */
  readonly standing: ReadonlySet<string>;
  /** Those Docker networks among them that others made: ids of overlay networks by Docker network id. */
  readonly adopted: ReadonlyMap<string, string>;
}

/** The record of a host that has nothing in Docker. */
export const NO_RECORD: DockerRecord = { standing: new Set(), adopted: new Map() };

/**
 * Which overlay networks have a Docker network on this host, on disk: while Docker is stopped, its socket is gone
 * as on a host without Docker, and only this tells the two apart. And which of them others made: nothing on such a
 * network tells whose it is.
 */
export class DockerRecordFile {
  readonly path: string;

  constructor(stateDir: string) {
    this.path = join(stateDir, 'docker-networks.json');
  }

  /**
   * The record; an empty one before the first.
   * @throws OverlayError `data_loss` naming the file if it cannot be read as a record.
   */
  async read(): Promise<DockerRecord> {
    try {
      return parseRecord(JSON.parse(await readFile(this.path, 'utf8')));
    } catch (cause) {
      if (isMissingFile(cause)) return NO_RECORD;
      const reason = toOverlayError(cause).message;
      throw new OverlayError('data_loss', `${this.path} is damaged: ${reason}`, { cause });
    }
  }

  /** Replaces the record atomically. @throws the file system's error; the old one then stands. */
  async write(record: DockerRecord): Promise<void> {
    await writeFileAtomically(this.path, `${textOf(record)}\n`);
  }
}

/** Earlier versions wrote the list of networks alone. */
function parseRecord(content: unknown): DockerRecord {
  if (Array.isArray(content)) return { standing: new Set(content.map(String)), adopted: new Map() };
  if (isObject(content)) {
    const { networks, adopted } = content;
    if (Array.isArray(networks) && isObject(adopted)) {
      const pairs = Object.entries(adopted).map(([dockerId, id]) => [dockerId, String(id)] as const);
      return { standing: new Set(networks.map(String)), adopted: new Map(pairs) };
    }
  }
  throw new Error('it is no record of networks');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Whether two records say the same. */
export function isSameRecord(a: DockerRecord, b: DockerRecord): boolean {
  return textOf(a) === textOf(b);
}

function textOf({ standing, adopted }: DockerRecord): string {
  const sorted = [...adopted].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ networks: [...standing].toSorted(), adopted: Object.fromEntries(sorted) });
}
