import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CniEnvironment, parseCniCall } from './cni-call.js';

const ENVIRONMENT = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/c1',
  CNI_IFNAME: 'eth0',
} as const;
const CONFIG = { cniVersion: '1.0.0', name: 'dcos', type: 'bridge', ipam: { type: 'overlay-ipam' } };

function codeOf(environment: CniEnvironment, config: unknown): number {
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  const reading = parseCniCall(environment, text);
  return reading.ok ? 0 : reading.error.code;
}

describe('parseCniCall', () => {
  it('reads ADD with requested addresses and labels from every source', () => {
    const config = {
      ...CONFIG,
      runtimeConfig: { ips: ['9.0.1.5/27'] },
      args: {
        cni: { ips: ['fd01::5'] },
        'org.apache.mesos': {
          network_info: { labels: { labels: [{ key: 'app', value: 'web' }, { key: 'bare' }] } },
        },
      },
    };
    const environment = { ...ENVIRONMENT, CNI_ARGS: 'IP=9.0.1.5;K8S_POD_NAME=p=1;;' };
    expect(parseCniCall(environment, JSON.stringify(config))).toEqual({
      ok: true,
      call: {
        command: 'ADD',
        version: '1.0.0',
        network: 'dcos',
        owner: { containerId: 'c1', interface: 'eth0' },
        networkNamespace: '/run/netns/c1',
        requestedIps: ['9.0.1.5', 'fd01::5'],
        labels: { app: 'web', bare: '', K8S_POD_NAME: 'p=1' },
      },
    });
  });

  it('reads the name of a reservation from CNI_ARGS and from labels', () => {
    const environment = { ...ENVIRONMENT, CNI_ARGS: 'OVERLAY_RESERVATION=db' };
    expect(parseCniCall(environment, JSON.stringify(CONFIG))).toMatchObject({ call: { reservation: 'db' } });
    const label = { key: 'OVERLAY_RESERVATION', value: 'web' };
    const args = { 'org.apache.mesos': { network_info: { labels: { labels: [label] } } } };
    expect(parseCniCall(ENVIRONMENT, JSON.stringify({ ...CONFIG, args }))).toMatchObject({
      call: { reservation: 'web' },
    });
    expect(codeOf({ ...ENVIRONMENT, CNI_ARGS: 'OVERLAY_RESERVATION=../x' }, CONFIG)).toBe(4);
  });

  it('takes a missing version for 0.1.0 and a DEL without namespace', () => {
    const environment = { ...ENVIRONMENT, CNI_COMMAND: 'DEL', CNI_NETNS: undefined };
    expect(parseCniCall(environment, '{"name":"dcos"}')).toMatchObject({
      ok: true,
      call: { command: 'DEL', version: '0.1.0' },
    });
  });

  const mesos = (labels: unknown) => ({ 'org.apache.mesos': { network_info: { labels } } });

  it.each<[string, Record<string, unknown>]>([
    ['a requested address that is none', { runtimeConfig: { ips: ['junk'] } }],
    ['arguments that are no object', { args: 7, runtimeConfig: 'x' }],
    ['a previous result that is none', { prevResult: { ips: 'x' } }],
    ['labels that are none', { args: mesos('x') }],
  ])('reads DEL and STATUS with %s, which they do not need', (_case, keys) => {
    const config = JSON.stringify({ ...CONFIG, cniVersion: '1.1.0', ...keys });
    for (const command of ['DEL', 'STATUS']) {
      const reading = parseCniCall({ ...ENVIRONMENT, CNI_COMMAND: command }, config);
      expect(reading).toMatchObject({ ok: true, call: { command, network: 'dcos' } });
    }
    const gc = parseCniCall({ CNI_COMMAND: 'GC' }, config.replace('{', '{"cni.dev/valid-attachments":[],'));
    expect(gc).toMatchObject({ ok: true, call: { command: 'GC', validAttachments: [] } });
  });

  it.each(['n'.repeat(14), '../etc', 'host', ''])('reads DEL in %j, which is no network of ours', (name) => {
    const reading = parseCniCall({ ...ENVIRONMENT, CNI_COMMAND: 'DEL' }, JSON.stringify({ ...CONFIG, name }));
    expect(reading).toMatchObject({ ok: true, call: { command: 'DEL', network: undefined } });
  });

  it.each<[string, Record<string, unknown>]>([
    ['the result and everything of the runtime', { args: null, runtimeConfig: null, prevResult: null }],
    ['addresses', { runtimeConfig: { ips: null }, args: { cni: { ips: null } }, prevResult: { ips: null } }],
    ['former addresses', { prevResult: { ip4: null, ip6: null } }],
    ['the arguments of each', { args: { cni: null, 'org.apache.mesos': null } }],
    ['what Mesos tells', { args: { 'org.apache.mesos': { network_info: null } } }],
    ['the labels', { args: mesos(null) }],
    ['the list of labels', { args: mesos({ labels: null }) }],
  ])('takes a null for nothing: %s', (_case, keys) => {
    const config = JSON.stringify({ ...CONFIG, ...keys });
    expect(parseCniCall(ENVIRONMENT, config)).toMatchObject({ call: { requestedIps: [], labels: {} } });
    expect(codeOf({ ...ENVIRONMENT, CNI_COMMAND: 'DEL' }, config)).toBe(0);
    expect(codeOf({ ...ENVIRONMENT, CNI_COMMAND: 'CHECK' }, config)).toBe(0);
  });

  it('reads the addresses of a previous result in whatever spelling, and leaves what is none as it is', () => {
    const check = (prevResult: unknown) =>
      parseCniCall({ ...ENVIRONMENT, CNI_COMMAND: 'CHECK' }, JSON.stringify({ ...CONFIG, prevResult }));
    const ips = [{ address: '9.0.1.2/27' }, { address: 'FD01:B:0:0:0:0:0:2/81' }, { address: 'junk' }];
    expect(check({ ips })).toMatchObject({
      call: { previousAddresses: ['9.0.1.2/27', 'fd01:b::2/81', 'junk'] },
    });
    expect(check({ ip6: { ip: 'fd01:000b::0002/81' } })).toMatchObject({
      call: { previousAddresses: ['fd01:b::2/81'] },
    });
  });

  it('takes the addresses that a framework asks Mesos for, and any where it names none', () => {
    const wanting = (addresses: readonly unknown[]) => {
      const args = { 'org.apache.mesos': { network_info: { ip_addresses: addresses } } };
      return parseCniCall(ENVIRONMENT, JSON.stringify({ ...CONFIG, args }));
    };
    const named = [{ protocol: 'IPv4', ip_address: '9.0.1.4' }, { ip_address: 'FD01:B::4' }];
    expect(wanting(named)).toMatchObject({ call: { requestedIps: ['9.0.1.4', 'fd01:b::4'] } });
    const unnamed = [{ protocol: 'IPv4' }, { ip_address: null }, { ip_address: '' }];
    expect(wanting(unnamed)).toMatchObject({ call: { requestedIps: [] } });
    expect(wanting([{ ip_address: 'x' }])).toMatchObject({ ok: false, error: { code: 7 } });
  });

  it('takes a label without a value for an empty one', () => {
    const config = { ...CONFIG, args: mesos({ labels: [{ key: 'app', value: null }] }) };
    expect(parseCniCall(ENVIRONMENT, JSON.stringify(config))).toMatchObject({
      call: { labels: { app: '' } },
    });
  });

  it.each<[string, CniEnvironment, unknown, number]>([
    ['no command', {}, CONFIG, 4],
    ['an unknown command', { ...ENVIRONMENT, CNI_COMMAND: 'add' }, CONFIG, 4],
    ['no container id', { ...ENVIRONMENT, CNI_CONTAINERID: '' }, CONFIG, 4],
    ['no namespace', { ...ENVIRONMENT, CNI_NETNS: undefined }, CONFIG, 4],
    ['no interface', { ...ENVIRONMENT, CNI_IFNAME: undefined }, CONFIG, 4],
    ['a path as container id', { ...ENVIRONMENT, CNI_CONTAINERID: '../x' }, CONFIG, 4],
    ['a path as interface', { ...ENVIRONMENT, CNI_IFNAME: '../../x' }, CONFIG, 4],
    ['a dot as interface', { ...ENVIRONMENT, CNI_IFNAME: '..' }, CONFIG, 4],
    ['a long interface', { ...ENVIRONMENT, CNI_IFNAME: 'e'.repeat(16) }, CONFIG, 4],
    ['a space in the interface', { ...ENVIRONMENT, CNI_IFNAME: 'a b' }, CONFIG, 4],
    ['arguments that are no pairs', { ...ENVIRONMENT, CNI_ARGS: 'junk' }, CONFIG, 4],
    ['an address that is none', { ...ENVIRONMENT, CNI_ARGS: 'IP=9.0.1' }, CONFIG, 4],
    ['too many labels', { ...ENVIRONMENT, CNI_ARGS: `A=${'x'.repeat(9000)}` }, CONFIG, 4],
    ['no JSON', ENVIRONMENT, '{', 6],
    ['an empty input', ENVIRONMENT, '', 6],
    ['a list', ENVIRONMENT, '[]', 6],
    ['an unknown version', ENVIRONMENT, { ...CONFIG, cniVersion: '2.0.0' }, 1],
    ['a version that is no text', ENVIRONMENT, { ...CONFIG, cniVersion: 1 }, 1],
    ['CHECK before 0.4.0', { ...ENVIRONMENT, CNI_COMMAND: 'CHECK' }, { ...CONFIG, cniVersion: '0.3.1' }, 1],
    ['no name', ENVIRONMENT, { cniVersion: '1.0.0' }, 7],
    ['DEL without a name', { ...ENVIRONMENT, CNI_COMMAND: 'DEL' }, { cniVersion: '1.0.0' }, 7],
    ['a path as name', ENVIRONMENT, { ...CONFIG, name: '../etc' }, 7],
    ['a long name', ENVIRONMENT, { ...CONFIG, name: 'n'.repeat(14) }, 7],
    ['a name that is no text', ENVIRONMENT, { ...CONFIG, name: 7 }, 7],
    ['requested addresses that are none', ENVIRONMENT, { ...CONFIG, runtimeConfig: { ips: ['x'] } }, 7],
  ])('answers %s with its code', (_case, environment, config, code) => {
    expect(codeOf(environment, config)).toBe(code);
  });

  it('answers any input with a call or a whole error object', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('c1', 'eth0', 'IP=9.0.1.2'),
    );
    const command = fc.oneof(fc.constantFrom('ADD', 'DEL', 'CHECK', 'VERSION', 'GC'), text);
    const environment = fc.record(
      { CNI_COMMAND: command, CNI_CONTAINERID: text, CNI_NETNS: text, CNI_IFNAME: text, CNI_ARGS: text },
      { requiredKeys: [] },
    );
    const json = fc.jsonValue({ depthSize: 'small' });
    const config = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record(
          {
            cniVersion: fc.oneof(fc.constant('1.0.0'), json),
            name: fc.oneof(fc.constant('dcos'), json),
            args: json,
            runtimeConfig: json,
            prevResult: json,
          },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(environment, config, (variables, stdin) => {
        const reading = parseCniCall(variables, stdin);
        if (reading.ok) {
          expect(['ADD', 'DEL', 'CHECK', 'VERSION']).toContain(reading.call.command);
        } else {
          expect([1, 4, 6, 7]).toContain(reading.error.code);
          expect(reading.error.msg).not.toBe('');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
