import { readFileSync } from 'node:fs';
import { isFailure } from '@overlay/failure';
import { type DockerIpamConfig, dockerIpamConfiguration } from '@overlay/model';
import { type ProcessDescription, runProcess } from '@overlay/service';
import { addDockerRoutes } from '../docker/docker-routes.js';
import { readHostClock } from '../host-clock.js';
import { repeat } from '../repeat.js';
import { DockerFront } from './docker-front.js';
import { HttpIpamCaller } from './http-ipam-caller.js';
import { OwedCallsFolder } from './owed-calls.js';
import { keepPluginSocket } from './plugin-socket.js';

const SETTLE_MS = 1000;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const description: ProcessDescription<DockerIpamConfig> = {
  configuration: dockerIpamConfiguration,
  summary: "Answers Docker's IPAM requests within seconds, whatever overlay-ipam does, for shared pools.",
  version,
  start: async ({ config, clock, logger }) => {
    const hostClock = readHostClock(() => clock.nowMs());
    const { sockets, releasesDir } = config;
    const front = new DockerFront({
      ipam: new HttpIpamCaller(sockets.ipamHttp, hostClock),
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
      routes: (server) => addDockerRoutes(server, '', (method, body) => front.answer(method, body)),
    });
    const ending = new AbortController();
    const settling = repeat({
      clock,
      intervalMs: SETTLE_MS,
      signal: ending.signal,
      run: () => front.settle(),
      onError: (error) => {
        const level = isFailure(error, 'unavailable') ? 'debug' : 'error';
        logger[level]({ event: 'docker_releases_unsettled', err: error });
      },
    });
    return {
      async close() {
        ending.abort();
        await Promise.all([socket.close(), settling]);
      },
    };
  },
};

process.exit(await runProcess(description, process));
