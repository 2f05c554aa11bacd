import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RegisterAgentResponse } from '@overlay/contracts';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { writeFileAtomically } from '@overlay/service';
import { isMissingFile } from '../missing-file.js';

/** The last assignment on disk, from which a host is restored while every master is away. */
export class AssignmentFile {
  readonly path: string;

  constructor(stateDir: string) {
    this.path = join(stateDir, 'assignment.json');
  }

  /**
   * The stored assignment; undefined before the first.
   * @throws OverlayError `data_loss` naming the file if it cannot be read as an assignment.
   */
  async read(): Promise<RegisterAgentResponse | undefined> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw this.#unreadable(error);
    }
    try {
      const registration = RegisterAgentResponse.fromJSON(JSON.parse(text));
      if (registration.assignment === undefined) throw new Error('it has no field assignment');
      return registration;
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  /** Replaces the stored assignment atomically. @throws the file system's error; the old one then stands. */
  async write(registration: RegisterAgentResponse): Promise<void> {
    const text = JSON.stringify(RegisterAgentResponse.toJSON(registration), undefined, 2);
    await writeFileAtomically(this.path, `${text}\n`);
  }

  #unreadable(error: unknown): OverlayError {
    const reason = toOverlayError(error).message;
    return new OverlayError('data_loss', `${this.path} holds no assignment: ${reason}`, { cause: error });
  }
}
