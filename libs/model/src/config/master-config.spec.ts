import { describe, expect, it } from '@jest/globals';
import { type FieldViolation, OverlayError } from '@overlay/failure';
import { masterConfiguration } from './master-config.js';

const PLAN = { subnet: '9.0.0.0/8', prefix: 26 };
const BLOCK = { vtep_subnet: '44.128.0.0/20', vtep_subnet6: 'fd01:a::/64', overlays: [] };
const overlay = (more: object) => ({ network: { ...BLOCK, overlays: [{ name: 'n', ...more }] } });

function violationsOf(parse: () => unknown): readonly FieldViolation[] {
  try {
    parse();
  } catch (thrown) {
    if (thrown instanceof OverlayError) return thrown.violations;
    throw thrown;
  }
  return [];
}

describe('the configuration of overlay-master', () => {
  it.each([undefined, null, {}, { tls: { ca: null, cert: null, key: null } }])(
    'has the defaults for %j',
    (raw) => {
      expect(masterConfiguration.parse(raw)).toEqual({
        listen: {
          grpc: { kind: 'tcp', host: '127.0.0.1', port: 5060 },
          http: { kind: 'tcp', host: '127.0.0.1', port: 5050 },
        },
        log: { kind: 'embedded', dir: '/var/lib/overlay/master/overlay_replicated_log' },
        addressSpace: {
          vtepSubnet: '44.128.0.0/20',
          vtepSubnet6: 'fd01:a::/64',
          vtepMacOui: '70:b3:d5:00:00:00',
        },
        vtepMacOuiText: '70:B3:D5:00:00:00',
        networks: [
          { name: 'dcos', ipv4: { subnet: '9.0.0.0/8', blockLength: 26 }, enabled: true, isolated: false },
          { name: 'dcos6', ipv6: { subnet: 'fd01:b::/64', blockLength: 80 }, enabled: true, isolated: false },
        ],
        nodeCertificates: false,
        insecure: false,
        logLevel: 'info',
      });
    },
  );

  it('asks for the certificates of nodes only where there is TLS', () => {
    const tls = { ca: '/ca.pem', cert: '/cert.pem', key: '/key.pem' };
    expect(masterConfiguration.parse({ tls, require_node_certificates: true }).nodeCertificates).toBe(true);
    const [violation] = violationsOf(() => masterConfiguration.parse({ require_node_certificates: true }));
    expect(violation).toEqual({
      field: 'require_node_certificates',
      description: expect.stringContaining('needs tls'),
    });
  });

  it('takes a whole DC/OS config.yaml as it is', () => {
    const config = masterConfiguration.parse({
      cluster_name: 'dcos',
      master_list: ['10.0.0.1'],
      replicated_log_dir: '/var/lib/dcos/mesos/master',
      dcos_overlay_network: {
        vtep_subnet: '44.128.0.0/20',
        vtep_mac_oui: '70:B3:D5:00:00:00',
        overlays: [{ name: 'dcos', subnet: '9.0.0.0/8', prefix: '26', enabled: false }],
      },
    });
    expect(config.log).toEqual({
      kind: 'embedded',
      dir: '/var/lib/dcos/mesos/master/overlay_replicated_log',
    });
    expect(config.networks).toEqual([
      { name: 'dcos', ipv4: { subnet: '9.0.0.0/8', blockLength: 26 }, enabled: false, isolated: false },
    ]);
    expect(config.addressSpace).not.toHaveProperty('vtepSubnet6');
  });

  it('takes etcd, TLS and open listeners', () => {
    const tls = { ca: '/ca', cert: '/cert', key: '/key' };
    const auth = { username: 'master', password: 'secret' };
    const config = masterConfiguration.parse({
      listen: { grpc: '0.0.0.0:0', http: 'unix:/run/http.sock' },
      log: { etcd: { endpoints: ['http://127.0.0.1:2379/'], tls, ...auth } },
      tls,
    });
    expect(config).toMatchObject({
      tls,
      listen: { grpc: { port: 0 }, http: { kind: 'unix', path: '/run/http.sock' } },
      log: { kind: 'etcd', endpoints: ['http://127.0.0.1:2379'], prefix: '/overlay/', tls, auth },
    });
    expect(masterConfiguration.parse({ listen: { http: '[::]:80' }, insecure: true }).insecure).toBe(true);
  });

  it.each([
    ['(file)', 'text', 'text'],
    ['(file)', '[]', []],
    ['listn', 'listen', { listn: 1 }],
    ['listen.gprc', 'grpc', { listen: { gprc: 1 } }],
    ['listen.grpc', '5060', { listen: { grpc: 5060 } }],
    ['listen.http', '127.0.0.1:65536', { listen: { http: '127.0.0.1:65536' } }],
    ['listen.http', 'insecure', { listen: { http: '0.0.0.0:5050' } }],
    ['listen.grpc', '[::]:5060', { listen: { grpc: '[::]:5060' } }],
    ['advertise', '"master-1"', { advertise: 'master-1' }],
    ['advertise', '10.0.0.1:0', { advertise: '10.0.0.1:0' }],
    ['advertise', 'others can call', { advertise: '0.0.0.0:5060' }],
    ['advertise', 'others can call', { advertise: '[0::0]:5060' }],
    ['log', 'log.etcd', { log: {} }],
    ['log', 'exclude', { log: { dir: '/a', etcd: { endpoints: ['http://a:1'] } } }],
    ['log.dir', 'relative', { log: { dir: 'relative' } }],
    ['log.etcd.endpoints', '[]', { log: { etcd: { endpoints: [] } } }],
    ['log.etcd.endpoints[0]', 'ftp://a', { log: { etcd: { endpoints: ['ftp://a'] } } }],
    ['log.etcd.endpoints[0]', 'log.etcd.username', { log: { etcd: { endpoints: ['http://u:p@a:1'] } } }],
    ['log.etcd.password', 'missing', { log: { etcd: { endpoints: ['http://a:1'], username: 'm' } } }],
    ['log.etcd.username', 'missing', { log: { etcd: { endpoints: ['http://a:1'], password: 'p' } } }],
    ['log.etcd.prefix', 'overlay', { log: { etcd: { endpoints: ['http://a:1'], prefix: 'overlay' } } }],
    ['replicated_log_dir', '/b', { log: { dir: '/a' }, replicated_log_dir: '/b' }],
    ['dcos_overlay_network', 'one of the two', { network: BLOCK, dcos_overlay_network: BLOCK }],
    ['network.vtep_subnet', 'is missing', { network: {} }],
    ['network.vtep_subnet', 'fd01:a::/64', { network: { vtep_subnet: 'fd01:a::/64' } }],
    ['network.vtep_subnet', '44.128.0.0/20', { network: { ...BLOCK, vtep_subnet: '44.128.0.1/20' } }],
    ['network.vtep_mac_oui', '70-B3', { network: { ...BLOCK, vtep_mac_oui: '70-B3' } }],
    ['network.vtep_mac_oui', 'last three', { network: { ...BLOCK, vtep_mac_oui: '70:B3:D5:00:00:01' } }],
    ['network.vtep_mtu', '551', { network: { ...BLOCK, vtep_mtu: 551 } }],
    ['network.overlays[0].name', 'abcdefghijklmn', overlay({ ...PLAN, name: 'abcdefghijklmn' })],
    ['network.overlays[0].name', 'host', overlay({ ...PLAN, name: 'host' })],
    ['network.overlays[0]', 'no address space', overlay({})],
    ['network.overlays[0].prefix', '9.0.0.0/8', overlay({ subnet: '9.0.0.0/8' })],
    ['network.overlays[0].subnet6', '80', overlay({ prefix6: 80 })],
    ['network.overlays[0].prefix', '"26"', overlay({ subnet: '9.0.0.0/8', prefix: '26' })],
    ['network.overlays[0].prefix', '26.5', overlay({ subnet: '9.0.0.0/8', prefix: 26.5 })],
    ['network.overlays[0].prefix', '30', overlay({ subnet: '9.0.0.0/8', prefix: 30 })],
    ['network.overlays[0].isolatd', 'isolated', overlay({ subnet: '9.0.0.0/8', prefix: 26, isolatd: true })],
    ['tls.key', 'is missing', { tls: { ca: '/a', cert: '/b' } }],
    ['insecure', '"yes"', { insecure: 'yes' }],
    ['log_level', '"loud"', { log_level: 'loud' }],
  ])('reports %s with %s', (field, part, raw) => {
    const violations = violationsOf(() => masterConfiguration.parse(raw));
    expect(violations).toEqual([{ field, description: expect.stringContaining(part) }]);
  });

  it('reports every wrong key at once, under the spelling of the file', () => {
    const violations = violationsOf(() =>
      masterConfiguration.parse({
        insecure: 1,
        log: { dir: 5 },
        dcos_overlay_network: {
          vtep_subnet: '44.0.0.0/7',
          overlays: [
            { name: 'host', subnet: '9.0.0.0/8', prefix: 26 },
            { name: 'a', subnet: '9.0.0.0/8', prefix: 30 },
          ],
        },
      }),
    );
    expect(violations.map(({ field }) => field).sort()).toEqual([
      'dcos_overlay_network.overlays[0].name',
      'dcos_overlay_network.overlays[1].prefix',
      'dcos_overlay_network.overlays[1].subnet',
      'dcos_overlay_network.vtep_subnet',
      'insecure',
      'log.dir',
    ]);
  });

  it('reports everything that is wrong with a network, whatever else is', () => {
    const overlays = [
      { name: 'a', subnet: '9.0.0.0/8', prefix: 26 },
      { name: 'a', subnet: '9.1.0.0/16', prefix: 31, subnet6: 'x', isolatd: 1 },
      { name: 7, subnet6: 'fd01:c::1/64', prefix6: 127, enabled: 'no' },
      'b',
      { name: 'c', subnet: '127.0.0.0/8', subnet6: 'fd01:a::/32' },
      { name: 'a', subnet: '9.0.0.0/33', prefix: 26 },
      { name: 'c' },
    ];
    const violations = violationsOf(() => masterConfiguration.parse({ network: { ...BLOCK, overlays } }));
    expect(violations.map(({ field }) => field.replace('network.overlays', '')).sort()).toEqual([
      '[1].isolatd',
      '[1].name',
      '[1].prefix',
      '[1].prefix6',
      '[1].subnet',
      '[1].subnet6',
      '[2].enabled',
      '[2].name',
      '[2].prefix6',
      '[2].subnet6',
      '[3]',
      '[4].prefix',
      '[4].prefix6',
      '[4].subnet',
      '[4].subnet6',
      '[5].name',
      '[5].subnet',
      '[6]',
      '[6].name',
    ]);
  });

  it('reports keys that every object of JavaScript has', () => {
    const text =
      '{"__proto__": {"insecure": true}, "constructor": 1, "tls": {"__proto__": 1, "toString": 1}}';
    const fields = violationsOf(() => masterConfiguration.parse(JSON.parse(text))).map(({ field }) => field);
    expect(fields).toEqual(
      expect.arrayContaining(['__proto__', 'constructor', 'tls.__proto__', 'tls.toString']),
    );
  });

  it.each(['network', 'dcos_overlay_network', 'log'])('reports a bare %s', (field) => {
    expect(violationsOf(() => masterConfiguration.parse({ [field]: null }))).toEqual([
      { field, description: expect.stringContaining('has no value') },
    ]);
  });

  it('names the files that have to be there', () => {
    const tls = { ca: '/a', cert: '/b', key: '/c' };
    const raw = { tls, log: { etcd: { endpoints: ['https://a:1'], tls } }, colour: 'blue' };
    expect(masterConfiguration.files(raw).map(({ key, path }) => `${key}=${path}`)).toEqual([
      'tls.ca=/a',
      'tls.cert=/b',
      'tls.key=/c',
      'log.etcd.tls.ca=/a',
      'log.etcd.tls.cert=/b',
      'log.etcd.tls.key=/c',
    ]);
    const wrong = { ca: 'relative', cert: 7, key: '/c' };
    expect(masterConfiguration.files({ tls: wrong }).map(({ key }) => key)).toEqual(['tls.key']);
    expect(masterConfiguration.files([])).toEqual([]);
  });

  it.each([
    [{ listen: 5060 }, 'listen', '5060 is wrong here: give a block with grpc and http'],
    [
      { network: { vtep_subnet: '44.128.0.0/20', overlays: [7] } },
      'network.overlays[0]',
      '7 is wrong here: give a block with name, subnet, prefix, subnet6, prefix6, enabled and isolated',
    ],
  ])('says which keys belong into a block: %j', (raw, field, description) => {
    expect(violationsOf(() => masterConfiguration.parse(raw))).toEqual([{ field, description }]);
  });

  it('shows no password of an endpoint', () => {
    const etcd = { endpoints: ['http://m:8675309@a:1'] };
    const [violation] = violationsOf(() => masterConfiguration.parse({ log: { etcd } }));
    expect(violation?.description).toContain('"http://…@a:1"');
    expect(violation?.description).not.toContain('8675309');
  });

  it('shows neither passwords nor what a file of them holds', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n';
    expect(violationsOf(() => masterConfiguration.parse(pem))).toEqual([
      {
        field: '(file)',
        description: 'this text is no configuration: write keys with values, in YAML or JSON',
      },
    ]);
    const etcd = { endpoints: ['https://a:1'], username: 'm', password: 12345678 };
    expect(violationsOf(() => masterConfiguration.parse({ log: { etcd } }))).toEqual([
      { field: 'log.etcd.password', description: 'this value is wrong here: give text' },
    ]);
    expect(
      violationsOf(() => masterConfiguration.parse({ tls: { ca: '/a', cert: '/b', key: pem } })),
    ).toEqual([
      {
        field: 'tls.key',
        description: 'this text is no absolute path; write it from the root, as in /var/lib',
      },
    ]);
  });

  it('describes every key with type and meaning', () => {
    const keys = masterConfiguration.describe();
    expect(keys).toContainEqual({
      path: 'listen.grpc',
      type: 'host:port, [IPv6]:port or unix:/path',
      default: '127.0.0.1:5060',
      meaning: 'Where agents, frameworks and overlayctl connect.',
    });
    expect(keys.map(({ path }) => path)).toContain('network.overlays[].prefix6');
  });
});
