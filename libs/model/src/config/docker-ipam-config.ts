import { z } from 'zod';
import { type Configuration, defineConfiguration } from './configuration.js';
import { type LogLevel, logLevelKey, pathKey, socketPathKey } from './key-types.js';

/** Configuration of overlay-docker-ipam. */
export interface DockerIpamConfig {
  readonly sockets: {
    /** Where Docker finds the plugin. */
    readonly dockerPlugin: string;
    /** The HTTP socket of overlay-ipam. */
    readonly ipamHttp: string;
  };
  /** Folder of what overlay-ipam still has to be told. */
  readonly releasesDir: string;
  readonly logLevel: LogLevel;
}

const schema = z.strictObject({
  sockets: z
    .strictObject({
      docker_plugin: socketPathKey(
        "Where Docker finds the IPAM driver overlay. Docker's own folder for it is /run/docker/plugins.",
      ).prefault('/run/docker/plugins/overlay.sock'),
      ipam_http: socketPathKey('HTTP socket of overlay-ipam.').prefault('/run/overlay/ipam-http.sock'),
    })
    .prefault({}),
  releases_dir: pathKey(
    'Folder of the addresses that Docker gave back while overlay-ipam was down, until it is told.',
  ).prefault('/var/lib/overlay/docker-ipam'),
  log_level: logLevelKey(),
});

/** Configuration of overlay-docker-ipam: schema, defaults and documentation. */
export const dockerIpamConfiguration: Configuration<DockerIpamConfig> = defineConfiguration({
  app: 'overlay-docker-ipam',
  schema,
  check: () => [],
  convert({ sockets, releases_dir, log_level }): DockerIpamConfig {
    return {
      sockets: { dockerPlugin: sockets.docker_plugin, ipamHttp: sockets.ipam_http },
      releasesDir: releases_dir,
      logLevel: log_level,
    };
  },
});
