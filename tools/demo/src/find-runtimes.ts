import { toOverlayError } from '@overlay/failure';
import type { Testbed } from '@overlay/testbed';
import type { DemoRuntime } from './check.js';

/** What runs the demo's containers. */
export interface RuntimesReport {
  readonly used: readonly DemoRuntime[];
  /** Versions of the real runtimes: `{ docker: '20.10.24' }`. */
  readonly versions: Readonly<Partial<Record<DemoRuntime, string>>>;
  /** Why a real runtime is not used, by its name. */
  readonly absent: Readonly<Partial<Record<DemoRuntime, string>>>;
}

/** An engine takes about 110 MB. */
const MAX_ENGINES = 6;

const ENGINE_PATIENCE_MS = 30_000;

/** Starts a Docker Engine on every host and looks for Podman. Never rejects: what cannot run is told. */
export async function findRuntimes(testbed: Testbed): Promise<RuntimesReport> {
  const [docker, podman] = await Promise.all([tryOut(startEngines(testbed)), tryOut(askPodman(testbed))]);
  return {
    used: [
      'cni',
      ...(podman.version === undefined ? [] : (['podman'] as const)),
      docker.version === undefined ? 'by-hand' : 'docker',
    ],
    versions: {
      ...(docker.version === undefined ? {} : { docker: docker.version }),
      ...(podman.version === undefined ? {} : { podman: podman.version }),
    },
    absent: {
      ...(docker.reason === undefined ? {} : { docker: docker.reason }),
      ...(podman.reason === undefined ? {} : { podman: podman.reason }),
    },
  };
}

interface Trial {
  readonly version?: string;
  readonly reason?: string;
}

async function tryOut(trial: Promise<Trial>): Promise<Trial> {
  try {
    return await trial;
  } catch (cause) {
    return { reason: formatReason(toOverlayError(cause).message) };
  }
}

async function startEngines({ hosts }: Testbed): Promise<Trial> {
  if (hosts.length > MAX_ENGINES) return { reason: `${hosts.length} engines would take too much memory` };
  try {
    await Promise.all(hosts.map((host) => host.startDocker(ENGINE_PATIENCE_MS)));
  } catch (cause) {
    await Promise.all(hosts.map((host) => host.docker.powerOff()));
    throw cause;
  }
  const version = await hosts[0]?.docker.dockerOrFail('version', '--format', '{{.Server.Version}}');
  return version === undefined ? {} : { version };
}

async function askPodman({ hosts }: Testbed): Promise<Trial> {
  const version = await hosts[0]?.podman.podmanOrFail('version', '--format', '{{.Client.Version}}');
  return version === undefined ? {} : { version };
}

/** A failure in one line: what happened, and the last words of a log if some follow. */
export function formatReason(message: string): string {
  const [first = '', ...log] = message.trim().split('\n');
  const [what = first] = first.split('; the end of ');
  const words = log.at(-1);
  return words === undefined ? what : `${what}: ${words}`;
}
