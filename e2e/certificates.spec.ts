import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { NetworkServiceService, NetworkStatus } from '@overlay/contracts';
import { createRpcClient, type RpcClient } from '@overlay/rpc';
import {
  type CertificateFiles,
  type CommandResult,
  type Container,
  type Host,
  runCommand,
  Testbed,
} from '@overlay/testbed';
import { runProcedure } from './documented-procedure.js';
import { waitUntil, waitUntilNo } from './wait-until.js';

jest.setTimeout(90_000);

const OVERLAYCTL = join(__dirname, '../bin/overlayctl');

/** The files of one certificate, as docs/operations.md names them. */
function filesOf(folder: string, holder: string): CertificateFiles {
  const file = (name: string) => join(folder, `${name}.pem`);
  return { ca: file('ca'), cert: file(holder), key: file(`${holder}-key`) };
}

describe('a cluster over mutual TLS whose nodes have certificates of their own', () => {
  let testbed: Testbed;
  /** Where the authority's files are. */
  let authority: string;
  /** An operator's certificate. */
  let admin: CertificateFiles;
  let networks: RpcClient<typeof NetworkServiceService>;
  let left: Container;
  let right: Container;
  const certificates = new Map<Host, CertificateFiles>();
  const host = (label: string): Host => testbed.host(label);

  /** Makes a host's certificate with the commands that docs/operations.md gives. */
  async function certify(of: Host): Promise<CertificateFiles> {
    const folder = join(testbed.folder, `${of.label}-certificate`);
    mkdirSync(folder);
    for (const file of ['ca.pem', 'ca-key.pem']) copyFileSync(join(authority, file), join(folder, file));
    const variables = { STATE_DIR: of.paths.agentStateDir, HOST_IP: of.address.ipv4 };
    await runProcedure('Certificates of nodes', 0, { folder, variables });
    return filesOf(folder, 'agent');
  }

  /** Starts a host's agent with a certificate, in place of the one that ran. */
  async function runAgent(of: Host, tls: CertificateFiles | undefined): Promise<void> {
    await of.agent.stop();
    of.agent.configure({ tls });
    of.agent.launch();
    await of.agent.waitListening();
  }

  /** What still keeps the cluster from being as it should be. */
  async function unsettled(): Promise<string | undefined> {
    const { agents } = await networks.listAgents({ pageSize: 0, pageToken: '' });
    const states = agents.flatMap(({ assignment }) => assignment?.networks.map(({ state }) => state?.status));
    return states.length === 4 && states.every((status) => status === NetworkStatus.OK)
      ? undefined
      : `the networks of the hosts are ${states.join(', ')}`;
  }

  /** What an agent says of its readiness, over HTTPS where it has a certificate, which is not one for loopback. */
  async function readiness(of: Host): Promise<string> {
    const scheme = of.agent.config.tls === undefined ? 'http' : 'https';
    const url = `${scheme}://127.0.0.1:5051/readyz`;
    return (await of.exec(['curl', '--silent', '--insecure', url])).stdout;
  }

  function overlayctl(
    { ca, cert, key }: CertificateFiles,
    ...args: readonly string[]
  ): Promise<CommandResult> {
    const tls = ['--tls-ca', ca, '--tls-cert', cert, '--tls-key', key];
    return runCommand([OVERLAYCTL, '--master', testbed.master.grpcAddress, ...tls, ...args]);
  }

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 2, label: 'certificates' });
    const { master } = testbed;
    authority = join(testbed.folder, 'authority');
    mkdirSync(authority);
    const [address = ''] = master.grpcAddress.split(':');
    await runProcedure('An authority of your own', 0, {
      folder: authority,
      variables: { MASTER_IP: address },
    });
    admin = filesOf(authority, 'admin');
    master.configure({
      insecure: undefined,
      tls: filesOf(authority, 'master'),
      require_node_certificates: true,
    });
    master.launch();
    networks = createRpcClient(NetworkServiceService, { target: master.grpcAddress, tls: admin });
    for (const each of testbed.hosts) {
      certificates.set(each, await certify(each));
      each.agent.configure({ tls: certificates.get(each) });
    }
    await Promise.all(testbed.hosts.map((each) => each.start('listening')));
    await waitUntilNo(unsettled);
    left = await host('h1').attachCni('dcos');
    right = await host('h2').attachCni('dcos');
    await right.serveEcho();
  });

  afterAll(async () => {
    networks?.close();
    await testbed?.close();
  });

  it('knows its nodes by the ids that their certificates name, and carries their traffic', async () => {
    const { agents } = await networks.listAgents({ pageSize: 0, pageToken: '' });
    const ids = testbed.hosts.map(({ paths }) =>
      readFileSync(join(paths.agentStateDir, 'node-id'), 'utf8').trim(),
    );
    expect(new Set(agents.map(({ assignment }) => assignment?.nodeId))).toEqual(new Set(ids));
    expect(await left.tcp(right.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: left.ipv4 });
  });

  /** Runs a host's agent with other credentials than its own. @param noticed when it is seen that they do not do. */
  async function expectTurnedAway(
    of: Host,
    tls: CertificateFiles | undefined,
    noticed: () => Promise<boolean>,
  ): Promise<void> {
    const identities = async () => {
      const { agents } = await networks.listAgents({ pageSize: 0, pageToken: '' });
      return agents.map(({ assignment: { nodeId, ip, vtep } = {} }) => ({ nodeId, ip, vtep }));
    };
    const before = await identities();
    await runAgent(of, tls);
    await waitUntil('somebody notices', noticed);
    expect(await identities()).toEqual(before);
    expect(await left.tcp(right.ipv4 ?? '')).toMatchObject({ ok: true });
    await runAgent(of, certificates.get(of));
    await waitUntilNo(unsettled);
    await waitUntil('the agent is ready', async () => (await readiness(of)).includes('"ok"'));
  }

  it.each<[string, () => CertificateFiles | undefined, RegExp]>([
    ['of another host', () => certificates.get(host('h1')), /is for node .*, and may not speak for/],
    ['that names no node', () => admin, /only the certificate of node/],
  ])(
    'turns away an agent with a certificate %s, which says so; its containers go on',
    async (_what, chosen, reason) => {
      await expectTurnedAway(host('h2'), chosen(), async () => reason.test(await readiness(host('h2'))));
    },
  );

  it('does not hear an agent without a certificate', async () => {
    const ip = host('h2').address.ipv4;
    await expectTurnedAway(host('h2'), undefined, async () => {
      const { agents } = await networks.listAgents({ pageSize: 0, pageToken: '' });
      const isCutOff = agents.some(({ assignment, connected }) => assignment?.ip === ip && !connected);
      return isCutOff && host('h2').agent.log().includes('"master_unreachable"');
    });
  });

  it('lets operators change it and nodes read it', async () => {
    const node = certificates.get(host('h1')) ?? admin;
    expect(await overlayctl(node, 'agent', 'ls')).toMatchObject({ exitCode: 0 });
    const refused = await overlayctl(node, 'agent', 'delete', host('h2').address.ipv4, '--force', '--yes');
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is not for nodes') });
    const create = ['network', 'create', 'web', '--subnet', '10.88.0.0/16', '--prefix', '24'];
    expect(await overlayctl(node, ...create)).toMatchObject({ exitCode: 1 });
    expect(await overlayctl(admin, ...create)).toMatchObject({ exitCode: 0 });
    const removal = await overlayctl(admin, 'network', 'delete', 'web', '--yes');
    expect(removal).toMatchObject({ exitCode: 0 });
  });
});
