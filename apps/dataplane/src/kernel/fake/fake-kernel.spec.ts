import { describeKernelTables } from '../kernel-tables-contract.js';
import { describeKernelWatch } from '../kernel-watch-contract.js';
import { FakeKernel } from './fake-kernel.js';

describeKernelTables('the kernel in memory', () =>
  Promise.resolve({ tables: new FakeKernel(), close: () => Promise.resolve() }),
);

describeKernelWatch('the kernel in memory', () => {
  const kernel = new FakeKernel();
  return Promise.resolve({ tables: kernel, watches: [kernel], close: () => Promise.resolve() });
});
