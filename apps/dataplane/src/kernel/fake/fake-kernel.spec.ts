import { describeKernelTables } from '../kernel-tables-contract.js';
import { FakeKernel } from './fake-kernel.js';

describeKernelTables('the kernel in memory', () =>
  Promise.resolve({ tables: new FakeKernel(), close: () => Promise.resolve() }),
);
