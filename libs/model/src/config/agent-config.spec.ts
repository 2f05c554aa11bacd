import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { agentConfiguration } from './agent-config.js';
import { dataplaneConfiguration } from './dataplane-config.js';
import { ipamConfiguration } from './ipam-config.js';

function fieldsOf(parse: () => unknown): readonly { field: string; description: string }[] {
  try {
    parse();
  } catch (thrown) {
    if (thrown instanceof OverlayError) return thrown.violations;
    throw thrown;
  }
  return [];
}

describe('the configuration of overlay-agent', () => {
  it('has the pinned defaults', () => {
    expect(agentConfiguration.defaults()).toMatchObject({
      masters: [{ host: '127.0.0.1', port: 5060 }],
      cniDir: '/var/lib/overlay/cni',
      cniConflistDir: '/etc/cni/net.d',
      cniDeletionsDir: '/var/lib/overlay/ipam/deletions',
      maxConfigurationAttempts: 4,
      network: { allocateSubnet: true, overlayMtuBytes: 1420, commandTimeoutMs: 15_000, enableIpv6: true },
      heartbeatMs: 10_000,
      stateDir: '/var/lib/overlay/agent',
      sockets: { ipam: '/run/overlay/ipam.sock', docker: '/var/run/docker.sock' },
      listen: { grpc: { kind: 'unix', path: '/run/overlay/agent.sock' } },
    });
  });

  it.each([
    ['10.0.0.1:5060, 10.0.0.2:5060,[fd00::1]:7,10.0.0.2:5060'],
    [['10.0.0.1:5060', '10.0.0.2:5060', '[fd00::1]:7']],
  ])('reads the masters %j', (master) => {
    expect(agentConfiguration.parse({ master }).masters).toEqual([
      { host: '10.0.0.1', port: 5060 },
      { host: '10.0.0.2', port: 5060 },
      { host: 'fd00::1', port: 7 },
    ]);
  });

  it('looks for CNI plugins in the usual folders, or in the one that is named alone', () => {
    expect(agentConfiguration.defaults().cniBinDirs).toContain('/opt/cni/bin');
    expect(agentConfiguration.parse({ cni_bin_dir: '/my/cni' }).cniBinDirs).toEqual(['/my/cni']);
  });

  it('takes masters of this host with an address of it, and beside others without', () => {
    const parse = (raw: unknown) => () => agentConfiguration.parse(raw);
    expect(parse({ master: '127.0.0.1:5060', ip: '10.0.0.7' })).not.toThrow();
    expect(parse({ master: 'localhost:5060,10.0.0.2:5060' })).not.toThrow();
    expect(parse({ state_dir: '/my/agent' })).not.toThrow();
  });

  it('takes a small MTU without IPv6', () => {
    const config = agentConfiguration.parse({ network_config: { overlay_mtu: 552, enable_ipv6: false } });
    expect(config.network.overlayMtuBytes).toBe(552);
  });

  it.each([
    ['master', 'zk://a', { master: 'zk://a' }],
    ['master', '"m1"', { master: 'm1' }],
    ['master', '999.1.1.1', { master: '999.1.1.1:5060' }],
    ['master', '[10.0.0.1]', { master: '[10.0.0.1]:5060' }],
    ['listen.http', '[127.0.0.1]', { listen: { http: '[127.0.0.1]:5051' } }],
    ['listen.http', '999.1.1.1', { listen: { http: '999.1.1.1:5051' } }],
    ['master', '10.0.0.1:0', { master: '10.0.0.1:0' }],
    ['master', 'empty', { master: [] }],
    ['master', '7', { master: 7 }],
    ['ip', '127.0.0.1', { ip: '127.0.0.1' }],
    ['ip', '10.0.0', { ip: '10.0.0' }],
    ['network_config.overlay_mtu', '1279', { network_config: { overlay_mtu: 1279 } }],
    ['network_config.overlay_mtu', '551', { network_config: { overlay_mtu: 551, enable_ipv6: false } }],
    ['network_config.command_timeout', '99', { network_config: { command_timeout: 99 } }],
    ['network_config.mesos_brige', 'mesos_bridge', { network_config: { mesos_brige: true } }],
    ['max_configuration_attempts', '11', { max_configuration_attempts: 11 }],
    ['sockets.ipam', '/', { sockets: { ipam: `/${'x'.repeat(107)}` } }],
    ['cni_dir', 'cni', { cni_dir: 'cni' }],
    ['cni_conflist_dir', 'cni_dir', { cni_dir: '/etc/cni/net.d' }],
    ['cni_conflist_dir', 'cni_dir', { cni_dir: '/a/x/../b', cni_conflist_dir: '//a/./b/' }],
    ['listen.http', 'tls', { listen: { http: '10.0.0.7:5051' } }],
    ['ip', 'must be set with master 127.0.0.1:5060', { master: '127.0.0.1:5060,[::1]:5060' }],
    ['network_config', 'allocate_subnet, mesos_bridge', { network_config: true }],
  ])('reports %s with %s', (field, part, raw) => {
    const violations = fieldsOf(() => agentConfiguration.parse(raw));
    expect(violations).toEqual([{ field, description: expect.stringContaining(part) }]);
  });
});

describe.each([
  ['overlay-ipam', ipamConfiguration, 5062, '/run/overlay/ipam.sock'],
  ['overlay-dataplane', dataplaneConfiguration, 5063, '/run/overlay/dataplane.sock'],
] as const)('the configuration of %s', (app, configuration, port, path) => {
  it('has the pinned defaults and its name', () => {
    expect(configuration.app).toBe(app);
    expect(configuration.defaults()).toMatchObject({
      listen: { grpc: { kind: 'unix', path }, metrics: { kind: 'tcp', host: '127.0.0.1', port } },
      insecure: false,
      logLevel: 'info',
    });
  });

  it('refuses unknown keys and listeners that others reach', () => {
    const raw = { listen: { metrics: '0.0.0.0:1' }, stat_dir: 1 };
    const fields = fieldsOf(() => configuration.parse(raw)).map(({ field }) => field);
    expect(fields).toEqual(['stat_dir', 'listen.metrics']);
    expect(() => configuration.parse({ listen: { metrics: '0.0.0.0:1' }, insecure: true })).not.toThrow();
  });
});
