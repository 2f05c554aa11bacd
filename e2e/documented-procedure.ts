import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { runOrFail } from '@overlay/testbed';

const REPOSITORY = join(__dirname, '..');
const OPERATIONS = 'docs/operations.md';

/** Where the commands of a procedure run, and what its variables are. */
export interface Surroundings {
  readonly folder: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Instead of `docs/operations.md`. */
  readonly page?: string;
  /** Put before the shell, it enters where the commands are to run. */
  readonly enter?: readonly string[];
}

/**
 * Runs commands out of a page as they stand there, with a shell, as an operator would.
 * @param title of the section. @param block which of its `sh` blocks, from 0.
 * @throws OverlayError `not_found` if the page has no such block, `internal` with the words of a command that failed.
 */
export function runProcedure(title: string, block: number, surroundings: Surroundings): Promise<string> {
  const { folder, variables = {}, page = OPERATIONS, enter = [] } = surroundings;
  const path = [join(REPOSITORY, 'bin'), process.env.PATH ?? '/usr/bin:/bin'].join(':');
  const commands = `cd "$FOLDER"\n${blockOf(page, title, block)}`;
  const env = { ...variables, FOLDER: folder, PATH: path, ETCDCTL_API: '3' };
  return runOrFail([...enter, 'sh', '-euc', commands], { env });
}

function blockOf(page: string, title: string, block: number): string {
  const section = readFileSync(join(REPOSITORY, page), 'utf8')
    .split(/^#+ /m)
    .find((text) => text.startsWith(`${title}\n`));
  const found = [...(section ?? '').matchAll(/^ *```sh\n(.*?)^ *```$/gms)][block]?.[1];
  if (found !== undefined) return found;
  throw new OverlayError('not_found', `${page} has no ${block + 1}. block of commands under "${title}"`);
}
