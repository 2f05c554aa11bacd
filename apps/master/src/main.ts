import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { masterConfiguration, type NetworkId } from '@overlay/model';
import { runProcess } from '@overlay/service';
import { parseFailPoints } from './commit/fail-points.js';
import { runMaster } from './master.js';
import { openLog } from './open-log.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const exitCode = await runProcess(
  {
    configuration: masterConfiguration,
    summary: 'Assigns every host its blocks and tunnel endpoint, and tells all hosts about each other.',
    version,
    flags: [{ notation: '--adopt-networks', meaning: "take the log's word for networks not configured" }],
    start: async ({ config, flags, environment, ...plumbing }) =>
      runMaster({
        ...plumbing,
        config,
        networksPage: {
          static: fileURLToPath(new URL('../../ui/static', import.meta.url)),
          modules: fileURLToPath(new URL('../../ui/dist', import.meta.url)),
        },
        adoptNetworks: flags.adoptNetworks === true,
        openLog: () => openLog(config.log),
        instanceId: randomUUID(),
        random: Math.random,
        newNetworkId: () => randomUUID() as NetworkId,
        failPoints: parseFailPoints(environment.OVERLAY_FAIL_POINTS, () =>
          process.kill(process.pid, 'SIGKILL'),
        ),
      }),
  },
  process,
);
process.exit(exitCode);
