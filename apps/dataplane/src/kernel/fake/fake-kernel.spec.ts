import { describeKernelTables } from '../kernel-tables-contract.js';
import { describeKernelWatch } from '../kernel-watch-contract.js';
import { FakeKernel } from './fake-kernel.js';

describeKernelTables('the kernel in memory', () => {
  const tables = new FakeKernel();
  tables.setUnderlay(undefined);
  return Promise.resolve({
    tables,
    makeVeth: (device) => Promise.resolve(tables.plug(device, undefined)),
    rename: (device, name) => Promise.resolve(tables.rename(device, name)),
    addForeignRoute: (route) => Promise.resolve(tables.addForeignRoute(route)),
    makeDockerChains: (chains) => Promise.resolve(tables.setDockerChains(chains)),
    close: () => Promise.resolve(),
  });
});

describeKernelWatch('the kernel in memory', () => {
  const kernel = new FakeKernel();
  return Promise.resolve({ tables: kernel, watches: [kernel], close: () => Promise.resolve() });
});
