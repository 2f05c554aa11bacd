import { DOCKER_IMAGE, type Host, Testbed } from '@overlay/testbed';
import { medianOf } from '../dataplane/median-of.js';

const NETWORK = 'dcos';
const SWARM = 'swarm';
/** Apart from every address of the testbed. */
const SWARM_POOL = '10.99.0.0/16';

/** Milliseconds from the start of a container to the answer to its first ping of a container on another host; medians. */
export interface FirstPings {
  /** A namespace attached by the standard CNI plugins with our addresses; no runtime around it. */
  readonly cni: number;
  /** `docker run` on our network. */
  readonly docker: number;
  /** `docker run` on Swarm's overlay, on a host where another container is on it. */
  readonly swarm: number;
  /** `docker run` on Swarm's overlay, on a host where it has to be made first. */
  readonly swarmCold: number;
}

/** Starts containers in turn on the same two hosts and engines. Removes everything, also when it fails. */
export async function measureFirstPings(rounds: number): Promise<FirstPings> {
  const testbed = await Testbed.create({ hosts: 2, docker: true, label: 'bench-first-ping' });
  try {
    await testbed.start();
    await testbed.waitSettled([NETWORK]);
    const [near, far] = [testbed.host('h1'), testbed.host('h2')];
    await Promise.all([near, far].map((host) => host.waitDockerNetwork(NETWORK)));
    await makeSwarm(near, far);
    const ours = (await far.runDocker(NETWORK)).ipv4 ?? '';
    const theirs = (await far.docker.run(SWARM, [])).addresses[0]?.address.split('/')[0] ?? '';
    const swarmCold = await medianTime(rounds, () => runAndPing(near, SWARM, theirs));
    await near.docker.run(SWARM, []);
    const times = { cni: [] as number[], docker: [] as number[], swarm: [] as number[] };
    for (let round = 0; round <= rounds; round += 1) {
      const [cni, docker, swarm] = [
        await timeOf(() => attachAndPing(near, ours)),
        await timeOf(() => runAndPing(near, NETWORK, ours)),
        await timeOf(() => runAndPing(near, SWARM, theirs)),
      ];
      if (round === 0) continue; // everything is new to the machine
      times.cni.push(cni);
      times.docker.push(docker);
      times.swarm.push(swarm);
    }
    return {
      cni: medianOf(times.cni),
      docker: medianOf(times.docker),
      swarm: medianOf(times.swarm),
      swarmCold,
    };
  } finally {
    await testbed.close();
  }
}

/** Both engines in one swarm with an overlay that `docker run` may join. */
async function makeSwarm(manager: Host, worker: Host): Promise<void> {
  const [first, second] = [manager.address.ipv4, worker.address.ipv4];
  const pool = ['--default-addr-pool', SWARM_POOL];
  await manager.docker.dockerOrFail('swarm', 'init', '--advertise-addr', first, ...pool);
  const token = await manager.docker.dockerOrFail('swarm', 'join-token', '--quiet', 'worker');
  await worker.docker.dockerOrFail(
    'swarm',
    'join',
    '--token',
    token,
    '--advertise-addr',
    second,
    `${first}:2377`,
  );
  await manager.docker.dockerOrFail('network', 'create', '--driver', 'overlay', '--attachable', SWARM);
}

async function runAndPing(host: Host, network: string, target: string): Promise<void> {
  const ping = ['ping', '-c', '1', '-W', '10', target];
  await host.docker.dockerOrFail('run', '--rm', '--network', network, DOCKER_IMAGE, ...ping);
}

async function attachAndPing(host: Host, target: string): Promise<() => Promise<void>> {
  const container = await host.attachCni(NETWORK);
  await container.execOrFail(['ping', '-c', '1', '-W', '10', target]);
  return () => container.remove();
}

async function medianTime(rounds: number, work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push(await timeOf(work));
  return medianOf(times);
}

/** @param work may return what undoes it, which is not timed. */
async function timeOf(work: () => Promise<void | (() => Promise<void>)>): Promise<number> {
  const startMs = performance.now();
  const undo = await work();
  const tookMs = performance.now() - startMs;
  await undo?.();
  return tookMs;
}
