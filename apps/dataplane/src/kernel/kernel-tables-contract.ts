import { describe } from '@jest/globals';
import { describeOthers } from './contract/others-contract.js';
import { describeOwnObjects } from './contract/own-objects-contract.js';
import type { TablesUnderTest } from './contract/tables-steps.js';

/** What every implementation of `KernelTables` does. */
export function describeKernelTables(name: string, open: () => Promise<TablesUnderTest>): void {
  describe(`${name} as kernel tables`, () => {
    describeOwnObjects(open);
    describeOthers(open);
  });
}
