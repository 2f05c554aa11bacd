import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { dataplaneConfiguration } from '@overlay/model';
import { runProcess } from '@overlay/service';
import { runDataplane } from './dataplane.js';
import { observeKernel, timeSteps } from './dataplane-metrics.js';
import { OffloadDecision } from './desired/offload-decision.js';
import { readAdmissionDrops } from './kernel/iproute/admission-drops.js';
import { processRunner } from './kernel/iproute/command-runner.js';
import { iprouteTables } from './kernel/iproute/iproute-tables.js';
import { legacyMonitor } from './kernel/iproute/legacy-monitor.js';
import { meteredRunner } from './kernel/iproute/metered-runner.js';
import { ipMonitor, nftMonitor } from './kernel/iproute/monitors.js';
import { procSysFiles } from './kernel/iproute/sysctl-files.js';
import { tcpProbe } from './kernel/iproute/tcp-probe.js';
import type { ReconcilerSettings } from './reconcile/kernel-observer.js';

const SCRAPE_TIMEOUT_MS = 5_000;
/** Between two looks at Docker's chain in iptables-legacy. */
const LEGACY_INTERVAL_MS = 5_000;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const exitCode = await runProcess(
  {
    configuration: dataplaneConfiguration,
    summary: 'Owns the kernel objects of a host: VTEP, bridges, routes, masquerade.',
    version,
    start: (input) => {
      const { clock, config, metrics } = input;
      const outside = processRunner();
      const observe = observeKernel(metrics, () => readAdmissionDrops(outside, SCRAPE_TIMEOUT_MS));
      const runner = meteredRunner(outside, () => clock.monotonicMs(), observe);
      const legacy = legacyMonitor({
        runner,
        sleep: (ms, signal) => clock.sleep(ms, signal),
        intervalMs: LEGACY_INTERVAL_MS,
      });
      const offload = new OffloadDecision(config.vxlanChecksumOffload, release());
      const settings: ReconcilerSettings = {
        nexthopObjects: config.nexthopObjects,
        offload,
      };
      return runDataplane({
        ...input,
        settings,
        trial: { decision: offload, probe: tcpProbe },
        tables: iprouteTables({
          runner,
          sysctls: procSysFiles,
          timed: timeSteps(metrics, () => clock.monotonicMs()),
        }),
        watches: [ipMonitor(), nftMonitor(), legacy],
        random: Math.random,
      });
    },
  },
  process,
);

process.exit(exitCode);
