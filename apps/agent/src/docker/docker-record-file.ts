import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { writeFileAtomically } from '@overlay/service';
import { isMissingFile } from '../missing-file.js';

/**
 * Which overlay networks have a Docker network on this host, on disk: while Docker is stopped, its socket is gone
 * as on a host without Docker, and only this tells the two apart.
 */
export class DockerRecordFile {
  readonly path: string;

  constructor(stateDir: string) {
    this.path = join(stateDir, 'docker-networks.json');
  }

  /**
   * Ids of the overlay networks; none before the first.
   * @throws OverlayError `data_loss` naming the file if it cannot be read as a record.
   */
  async read(): Promise<ReadonlySet<string>> {
    try {
      const content: unknown = JSON.parse(await readFile(this.path, 'utf8'));
      if (!Array.isArray(content)) throw new Error('it is no list of network ids');
      return new Set(content.map(String));
    } catch (cause) {
      if (isMissingFile(cause)) return new Set();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new OverlayError('data_loss', `${this.path} is damaged: ${reason}`, { cause });
    }
  }

  /** Replaces the record atomically. @throws the file system's error; the old one then stands. */
  async write(networkIds: ReadonlySet<string>): Promise<void> {
    await writeFileAtomically(this.path, `${JSON.stringify([...networkIds].toSorted())}\n`);
  }
}
