import { readFileSync } from 'node:fs';
import { isFailure, toOverlayError } from '@overlay/failure';
import { type DockerIpamConfig, dockerIpamConfiguration } from '@overlay/model';
import { type ProcessDescription, runProcess } from '@overlay/service';
import { addDockerRoutes } from '../docker/docker-routes.js';
import { readHostClock } from '../host-clock.js';
import { repeat } from '../repeat.js';
import { DockerFront } from './docker-front.js';
import { HttpIpamCaller } from './http-ipam-caller.js';
import { OwedCallsFolder } from './owed-calls.js';
import { keepPluginSocket } from './plugin-socket.js';
import { IPAM_AWAY, probeIpam } from './probe-ipam.js';

const SETTLE_MS = 1000;
const PROBE_MS = 1000;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const description: ProcessDescription<DockerIpamConfig> = {
  configuration: dockerIpamConfiguration,
  summary: "Answers Docker's IPAM requests within seconds, whatever overlay-ipam does, for shared pools.",
  version,
  start: async ({ config, clock, logger, metrics, readiness }) => {
    const hostClock = readHostClock(() => clock.nowMs());
    const { sockets, releasesDir } = config;
    const ipam = new HttpIpamCaller(sockets.ipamHttp, hostClock);
    readiness.block(IPAM_AWAY, `overlay-ipam on ${sockets.ipamHttp} has not answered yet`);
    const front = new DockerFront({
      ipam,
      owed: new OwedCallsFolder(releasesDir, (file, reason) =>
        logger.warn({ event: 'docker_release_set_aside', file, reason }),
      ),
      clock: hostClock,
      logger,
    });
    const socket = await keepPluginSocket({
      path: sockets.dockerPlugin,
      clock,
      logger,
      probes: { readiness, metrics },
      routes: (server) => addDockerRoutes(server, '', (method, body) => front.answer(method, body)),
    });
    const ending = new AbortController();
    const settling = repeat({
      clock,
      intervalMs: SETTLE_MS,
      signal: ending.signal,
      run: async () => {
        await front.settle();
        readiness.clear('releases');
      },
      onError: (error) => {
        readiness.block('releases', toOverlayError(error).message);
        const level = isFailure(error, 'unavailable') ? 'debug' : 'error';
        logger[level]({ event: 'docker_releases_unsettled', err: error });
      },
    });
    const probing = repeat({
      clock,
      intervalMs: PROBE_MS,
      signal: ending.signal,
      run: () => probeIpam({ ipam, clock: hostClock, readiness }),
      onError: (error) => logger.error({ event: 'ipam_probe_failed', err: error }),
    });
    return {
      async close() {
        ending.abort();
        await Promise.all([socket.close(), settling, probing]);
      },
    };
  },
};

process.exit(await runProcess(description, process));
