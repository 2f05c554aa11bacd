import { readFileSync } from 'node:fs';
import { type IpamConfig, ipamConfiguration } from '@overlay/model';
import { type ProcessDescription, runProcess } from '@overlay/service';
import { hostNamespaces } from './collection/namespaces.js';
import { readHostClock } from './host-clock.js';
import { runIpam } from './ipam.js';
import { ThreadedAllocationStore } from './store/threaded-allocation-store.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const description: ProcessDescription<IpamConfig> = {
  configuration: ipamConfiguration,
  summary: "Owns this host's container addresses, for the CNI plugin and over gRPC.",
  version,
  start: async ({ config, clock, logger, metrics, readiness }) => {
    const hostClock = readHostClock(() => clock.nowMs());
    const store = new ThreadedAllocationStore(config.stateDir);
    const running = await runIpam({
      config,
      store,
      clock,
      hostClock,
      namespaces: hostNamespaces,
      logger,
      metrics,
      readiness,
    });
    return { ...running, failed: store.failed };
  },
};

process.exit(await runProcess(description, process));
