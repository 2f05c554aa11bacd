import { toOverlayError } from '@overlay/failure';
import { Testbed } from '@overlay/testbed';
import type { Terminal } from './terminal.js';

/** Name of a demo that is given none. */
export const DEFAULT_DEMO_NAME = 'demo';

/** Removes what earlier demos of this name left running. @returns the exit code. */
export async function stopKeptDemos(name: string, terminal: Terminal): Promise<number> {
  try {
    const names = await Testbed.removeDetached(name);
    terminal.line(names.length === 0 ? 'No demo is running.' : `Removed ${names.join(', ')}.`);
    return 0;
  } catch (cause) {
    terminal.line(`${terminal.paint.bad('✗')} ${toOverlayError(cause).message}`);
    return 1;
  }
}
