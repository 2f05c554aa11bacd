import { toOverlayError } from '@overlay/failure';
import { Testbed } from '@overlay/testbed';
import type { Terminal } from './terminal.js';

/** The label of every demo's testbed. */
export const DEMO_LABEL = 'demo';

/** Removes what earlier demos left running. @returns the exit code. */
export async function stopKeptDemos(terminal: Terminal): Promise<number> {
  try {
    const names = await Testbed.removeDetached(DEMO_LABEL);
    terminal.line(names.length === 0 ? 'No demo is running.' : `Removed ${names.join(', ')}.`);
    return 0;
  } catch (cause) {
    terminal.line(`${terminal.paint.bad('✗')} ${toOverlayError(cause).message}`);
    return 1;
  }
}
