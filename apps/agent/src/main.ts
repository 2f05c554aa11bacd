import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { agentConfiguration } from '@overlay/model';
import { runProcess } from '@overlay/service';
import { runAgent } from './agent.js';
import { AGENT_TIMINGS } from './agent-timings.js';
import { connectHost } from './connect-host.js';
import { kernelRouteSource } from './identity/underlay-address.js';
import { runPurge } from './purge/run-purge.js';
import { grpcMasters } from './registration/master-link.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const exitCode = await runProcess(
  {
    configuration: agentConfiguration,
    summary: "The host's side of the overlay: registers with a master, configures the host, reports.",
    version,
    tasks: [
      {
        flag: '--purge',
        meaning: 'remove the CNI files and Docker networks that the agent made, and exit; 1 if any is left',
        run: (config, print) => runPurge(config, false, print),
      },
      {
        flag: '--leftovers',
        meaning: 'only list what --purge would remove, and exit; 1 if there is anything',
        run: (config, print) => runPurge(config, true, print),
      },
    ],
    start: (input) =>
      runAgent({
        ...input,
        timings: AGENT_TIMINGS,
        random: Math.random,
        newNodeId: randomUUID,
        hostName: hostname(),
        routeSource: kernelRouteSource,
        connectMaster: grpcMasters(input.config.tls, AGENT_TIMINGS.masterCallMs),
        ports: connectHost(input.config, input.logger),
      }),
  },
  process,
);

process.exit(exitCode);
