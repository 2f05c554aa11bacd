import { beforeEach, describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { FakeCniDirectory } from '../cni/fake-cni-directory.js';
import type { DockerNetworkSettings } from '../docker/docker-networks.js';
import type { DockerRecord } from '../docker/docker-record-file.js';
import { FakeDockerNetworks } from '../docker/fake-docker-networks.js';
import { purgeAgent } from './purge-agent.js';

const OURS = JSON.stringify({ name: 'a', type: 'bridge', bridge: 'm-a', ipam: { type: 'overlay-ipam' } });
const FOREIGN = JSON.stringify({ ipam: { type: 'host-local' } });
const { signal } = new AbortController();

class FakeFolder extends FakeCniDirectory {
  /** What removals meet. */
  trouble: OverlayError | undefined;

  async removeInterruptedWrites(): Promise<void> {
    this.files.delete('.a.conf.tmp');
  }

  override async remove(name: string): Promise<void> {
    if (this.trouble !== undefined) throw this.trouble;
    await super.remove(name);
  }
}

function settingsOf(name: string, labels: Readonly<Record<string, string>>): DockerNetworkSettings {
  return {
    name,
    driver: 'bridge',
    ipamDriver: 'default',
    ipv4: true,
    ipv6: false,
    internal: false,
    subnets: [{ subnet: '9.0.0.128/25', gateway: '9.0.0.129', range: '', setAside: [] }],
    options: {},
    labels,
  };
}

function recordOf(ids: readonly string[]): DockerRecord {
  return { standing: new Set(ids), adopted: new Map() };
}

let folder: FakeFolder;
let docker: FakeDockerNetworks;
let recorded: DockerRecord;

beforeEach(async () => {
  folder = new FakeFolder('mesos');
  folder.files.set('a.conf', OURS).set('b.conf', FOREIGN).set('.a.conf.tmp', '{');
  docker = new FakeDockerNetworks();
  await docker.create(settingsOf('dcos', { 'overlay.network-id': 'n1' }));
  await docker.create(settingsOf('busy', { 'overlay.network-id': 'n2' }));
  await docker.create(settingsOf('foreign', {}));
  docker.start('web', 'busy', '9.0.0.130');
  recorded = recordOf(['n1', 'n2']);
});

function purge(verify = false) {
  const dockerRecord = {
    path: '/state/docker-networks.json',
    read: async () => recorded,
    write: async (record: DockerRecord) => {
      recorded = record;
    },
  };
  return purgeAgent({ cniFolders: [folder], docker, dockerRecord }, verify, signal);
}

describe('purgeAgent', () => {
  it('removes what is ours and not in use, and says what is left and why', async () => {
    const busy = 'Docker network busy: it has containers (web); stop them or take them off it';
    expect(await purge()).toEqual({
      removed: ['CNI file /fake/cni/a.conf', 'Docker network dcos'],
      left: [busy],
    });
    expect([...folder.files.keys()]).toEqual(['b.conf']);
    expect(docker.networks.map(({ name }) => name)).toEqual(['busy', 'foreign']);
    expect([...recorded.standing]).toEqual(['n2']);
    expect(await purge()).toEqual({ removed: [], left: [busy] });
    docker.stop('web');
    expect(await purge()).toEqual({ removed: ['Docker network busy'], left: [] });
    expect(recorded.standing.size).toBe(0);
  });

  it('only lists with verify', async () => {
    const left = ['CNI file /fake/cni/a.conf', 'Docker network dcos', 'Docker network busy'];
    expect(await purge(true)).toEqual({ removed: [], left });
    expect(folder.files.size).toBe(3);
    expect(docker.networks).toHaveLength(3);
    expect(recorded.standing.size).toBe(2);
  });

  it('goes on after a file that cannot be removed', async () => {
    folder.trouble = new OverlayError('permission_denied', 'read-only file system');
    const { removed, left } = await purge();
    expect(removed).toEqual(['Docker network dcos']);
    expect(left[0]).toBe('CNI file /fake/cni/a.conf: read-only file system');
  });

  it.each([
    ['is away', 'unavailable', ['n1'], true],
    ['is away and had none of ours', 'unavailable', [], true],
    ['has gone with networks of ours', 'not_found', ['n1'], true],
    ['was never there', 'not_found', [], false],
    ['is Podman', 'unimplemented', [], false],
  ] as const)('tells whether anything may be in a Docker that %s', async (_case, code, ids, isTold) => {
    recorded = recordOf(ids);
    docker.setTrouble(new OverlayError(code, 'no answer'));
    const { left } = await purge();
    expect(left).toEqual(isTold ? [expect.stringContaining('whatever is in Docker: start it')] : []);
    expect([...recorded.standing]).toEqual(ids);
  });
});
