import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MasterServiceService, NetworkServiceService } from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';
import { type CertificateFiles, type Certificates, createCertificates } from '@overlay/testbed';
import { BOTH_HALVES, MasterUnderTest, NETWORK } from './master-under-test.js';

const DENIED = { code: 'permission_denied' };
const SPEC = {
  name: 'web',
  subnet: '10.88.0.0/16',
  prefix: 24,
  subnet6: '',
  prefix6: 0,
  disabled: false,
  isolated: false,
};
const node = (id: string) => `URI:spiffe://example.org/overlay/node/${id}`;

describe('the certificate of a node', () => {
  let folder = '';
  let authority: Certificates;
  let first: CertificateFiles;
  let second: CertificateFiles;
  const master = new MasterUnderTest();
  const open: { close(): void }[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-node-certificates-'));
    authority = await createCertificates(folder);
    first = await authority.issue('n1', { names: [node('n1'), 'IP:10.0.0.1', 'IP:fd00::1'] });
    second = await authority.issue('n2', { names: [node('n2')] });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeEach(() => start(false));
  afterEach(async () => {
    for (const client of open.splice(0)) client.close();
    await master.remove();
  });

  const start = (nodeCertificates: boolean) =>
    master.start(NETWORK, { server: authority.server, client: authority.client, nodeCertificates });

  /** Both services as the holder of a certificate reaches them. */
  function as(tls: CertificateFiles) {
    const agents = createRpcClient(MasterServiceService, { target: master.target, tls });
    const networks = createRpcClient(NetworkServiceService, { target: master.target, tls });
    open.push(agents, networks);
    return { agents, networks };
  }

  const registration = (nodeId: string, ip: string) => ({
    nodeId,
    ip,
    networkConfig: BOTH_HALVES,
    attributes: {},
  });
  const report = (nodeId: string) => ({
    nodeId,
    networks: [],
    containers: [],
    capacities: [],
    removedNetworkIds: [],
  });

  /** The first frame of a topology. */
  async function watch(tls: CertificateFiles, nodeId: string): Promise<void> {
    const ending = new AbortController();
    const frames = as(tls).agents.watchTopology({ nodeId, fromRevision: 0n }, { signal: ending.signal });
    for await (const _ of frames) {
      ending.abort();
      return;
    }
  }

  it('lets it register, report and watch as itself', async () => {
    const { agents } = as(first);
    expect(await agents.registerAgent(registration('n1', '10.0.0.1'))).toMatchObject({
      assignment: { ip: '10.0.0.1' },
    });
    await expect(agents.reportAgent(report('n1'))).resolves.toMatchObject({ registerAgain: false });
    await watch(first, 'n1');
    await watch(first, '');
    await expect(as(second).agents.registerAgent(registration('n2', '10.0.0.9'))).resolves.toBeDefined();
  });

  it('lets it do nothing as another node, or from an address that is not its own', async () => {
    await as(second).agents.registerAgent(registration('n2', '10.0.0.2'));
    const before = await master.networks.listAgents({ pageSize: 0, pageToken: '' });
    const { agents } = as(first);
    const named = { ...DENIED, message: expect.stringContaining('is for node n1, and may not speak for n2') };
    await expect(agents.registerAgent(registration('n2', '10.0.0.1'))).rejects.toMatchObject(named);
    await expect(agents.reportAgent(report('n2'))).rejects.toMatchObject(named);
    await expect(watch(first, 'n2')).rejects.toMatchObject(named);
    await expect(
      agents.answerProbe({ nodeId: 'n2', probeId: 'p1', outcome: undefined }),
    ).rejects.toMatchObject(named);
    const orders = agents.watchProbes({ nodeId: 'n2' })[Symbol.asyncIterator]();
    await expect(orders.next()).rejects.toMatchObject(named);
    await expect(agents.registerAgent(registration('n1', '10.0.0.2'))).rejects.toMatchObject({
      ...DENIED,
      message: expect.stringContaining('is for 10.0.0.1, fd00::1, and may not claim 10.0.0.2'),
    });
    expect(await master.networks.listAgents({ pageSize: 0, pageToken: '' })).toEqual(before);
  });

  it('lets it read, and call no method of operators', async () => {
    await as(first).agents.registerAgent(registration('n1', '10.0.0.1'));
    const { networks } = as(first);
    expect((await networks.listAgents({ pageSize: 0, pageToken: '' })).agents).toHaveLength(1);
    const refusals = [
      networks.createNetwork({ spec: SPEC }),
      networks.updateNetwork({ spec: { ...SPEC, name: 'dcos' } }),
      networks.deleteNetwork({ name: 'dcos', force: true }),
      networks.deleteAgents({ ips: ['10.0.0.1'], force: true }),
      networks.probeContainer({ probe: { container: 'c1', timeoutMs: 0, probe: undefined }, agentIp: '' }),
    ];
    for (const refused of refusals) {
      await expect(refused).rejects.toMatchObject({
        ...DENIED,
        message: expect.stringMatching(/^[A-Z][A-Za-z]+ is not for nodes.* of node n1$/),
      });
    }
    const names = (await networks.listNetworks({ pageSize: 0, pageToken: '' })).networks.map(
      ({ spec }) => spec?.name,
    );
    expect(names).toEqual(['dcos', 'dcos6']);
    expect((await networks.listAgents({ pageSize: 0, pageToken: '' })).agents).toHaveLength(1);
  });

  it('is asked of those who speak for nodes only where the configuration says so', async () => {
    await expect(master.register('n3', '10.0.0.3')).resolves.toBeDefined();
    await master.stop();
    await start(true);
    const wanted = { ...DENIED, message: expect.stringContaining('spiffe://DOMAIN/overlay/node/n3') };
    await expect(master.register('n3', '10.0.0.3')).rejects.toMatchObject(wanted);
    await expect(master.agents.reportAgent(report('n3'))).rejects.toMatchObject(wanted);
    await expect(as(second).agents.registerAgent(registration('n2', '10.0.0.2'))).resolves.toBeDefined();
    await expect(master.networks.deleteAgents({ ips: ['10.0.0.3'], force: true })).resolves.toEqual({
      deletedIps: ['10.0.0.3'],
    });
  });

  it('is worth nothing once it has expired', async () => {
    const expired = await authority.issue('expired', { names: [node('n1')], expired: true });
    const { agents } = as(expired);
    await expect(
      agents.registerAgent(registration('n1', '10.0.0.1'), { timeoutMs: 3_000 }),
    ).rejects.toMatchObject({ code: 'unavailable' });
    expect((await master.networks.listAgents({ pageSize: 0, pageToken: '' })).agents).toEqual([]);
  });
});
