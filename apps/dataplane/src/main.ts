import { dataplaneConfiguration } from '@overlay/model';
import { runProcess } from '@overlay/service';
import { runDataplane } from './dataplane.js';
import { processRunner } from './kernel/iproute/command-runner.js';
import { iprouteTables } from './kernel/iproute/iproute-tables.js';
import { ipMonitor, nftMonitor } from './kernel/iproute/monitors.js';
import { procSysFiles } from './kernel/iproute/sysctl-files.js';
import { VERSION } from './version.js';

process.exitCode = await runProcess(
  {
    configuration: dataplaneConfiguration,
    summary: 'Owns the kernel objects of a host: VTEP, bridges, routes, masquerade.',
    version: VERSION,
    start: (input) =>
      runDataplane({
        ...input,
        tables: iprouteTables({ runner: processRunner(), sysctls: procSysFiles }),
        watches: [ipMonitor(), nftMonitor()],
        random: Math.random,
      }),
  },
  process,
);
