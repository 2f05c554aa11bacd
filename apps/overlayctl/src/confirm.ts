import { OverlayError } from '@overlay/failure';
import type { Terminal } from './terminal.js';

/**
 * Tells what a destructive command will touch and asks whether to go on, unless `yes`.
 * @throws OverlayError `invalid_argument` if nobody can be asked, `aborted` if the answer is no.
 */
export async function confirm(terminal: Terminal, touched: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!terminal.interactive) {
    const message = 'nobody can be asked here: repeat this with --yes if it shall be done';
    throw new OverlayError('invalid_argument', `${touched}\n${message}`);
  }
  terminal.warn(touched);
  const answer = await terminal.ask('Go on? [y/N] ');
  if (/^y(?:es)?$/i.test(answer.trim())) return;
  throw new OverlayError('aborted', 'nothing was changed');
}
