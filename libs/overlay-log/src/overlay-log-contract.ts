import { afterEach, beforeEach, describe } from '@jest/globals';
import { describeCommits } from './contract/commit-contract.js';
import { describeLeadership } from './contract/leadership-contract.js';
import { type LedLog, lead, type OpenedLog } from './contract/log-steps.js';
import { describeTerms } from './contract/term-contract.js';
import { describeWatch } from './contract/watch-contract.js';

/**
 * The contract that every driver of the overlay log keeps. `open` gives an empty log, and one that remembers 100
 * commits unless it has `forget`.
 */
export function describeOverlayLog(name: string, open: () => Promise<OpenedLog>): void {
  describe(`${name} as an overlay log`, () => {
    let led: LedLog;
    const now = () => led;

    beforeEach(async () => {
      const opened = await open();
      const leadership = await lead(opened.log, 'm1');
      led = { opened, log: opened.log, leadership, fence: leadership.fence };
    });
    afterEach(() => led.opened.dispose());

    describeCommits(now);
    describeLeadership(now);
    describeWatch(now);
    describeTerms(now);
  });
}
