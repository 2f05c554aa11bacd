import { describe, expect, it } from '@jest/globals';
import { exampleNetwork } from '../configuration/example-registration.js';
import { isOurCniFile } from './cni-ownership.js';
import { planCniFiles } from './plan-cni-files.js';

const settings = {
  cniDeletionsDir: '/var/lib/overlay/ipam/deletions',
  network: { overlayMtuBytes: 1420 },
  sockets: { ipamHttp: '/run/overlay/ipam-http.sock' },
};
const bridge = {
  type: 'bridge',
  bridge: 'm-dcos',
  isGateway: false,
  isDefaultGateway: false,
  forceAddress: false,
  ipMasq: false,
  hairpinMode: true,
  promiscMode: false,
  mtu: 1420,
  ipam: {
    type: 'overlay-ipam',
    socket: '/run/overlay/ipam-http.sock',
    deletions_dir: '/var/lib/overlay/ipam/deletions',
  },
};

describe('planCniFiles', () => {
  it('writes a single plugin in CNI 0.2.0 for Mesos', () => {
    const mesos = planCniFiles(exampleNetwork('dcos', 0), settings, false)?.mesos;
    expect(mesos?.name).toBe('dcos.conf');
    expect(JSON.parse(mesos?.content ?? '')).toStrictEqual({ cniVersion: '0.2.0', name: 'dcos', ...bridge });
  });

  it('writes it behind the port mapper of Mesos where the host has that', () => {
    const mesos = planCniFiles(exampleNetwork('dcos', 0), settings, true)?.mesos;
    expect(mesos?.name).toBe('dcos.conf');
    expect(JSON.parse(mesos?.content ?? '')).toStrictEqual({
      cniVersion: '0.2.0',
      name: 'dcos',
      type: 'mesos-cni-port-mapper',
      excludeDevices: ['m-dcos'],
      chain: 'M-DCOS',
      delegate: { cniVersion: '0.2.0', name: 'dcos', ...bridge },
    });
    expect(mesos === undefined ? false : isOurCniFile('mesos', mesos)).toBe(true);
  });

  it('writes a list in CNI 1.0.0 with port mappings and wanted addresses for everybody else', () => {
    const conflist = planCniFiles(exampleNetwork('dcos', 0), settings, false)?.conflist;
    expect(conflist?.name).toBe('99-overlay-dcos.conflist');
    expect(JSON.parse(conflist?.content ?? '')).toStrictEqual({
      cniVersion: '1.0.0',
      name: 'dcos',
      plugins: [
        { ...bridge, capabilities: { ips: true } },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    });
  });

  it('writes nothing without a CNI half', () => {
    expect(
      planCniFiles({ ...exampleNetwork('dcos', 0), cniBridge: undefined }, settings, false),
    ).toBeUndefined();
  });
});

describe('isOurCniFile', () => {
  const files = planCniFiles(exampleNetwork('dcos', 0), settings, false);
  const list = { name: '', content: '', ...files?.conflist };
  const mesos = { name: '', content: '', ...files?.mesos };
  const parsed = JSON.parse(list.content);
  const changed = (change: object) => ({ ...list, content: JSON.stringify({ ...parsed, ...change }) });

  it('recognises what is written, on either bridge', () => {
    expect(isOurCniFile('mesos', mesos)).toBe(true);
    expect(isOurCniFile('conflist', list)).toBe(true);
    const shared = { ...list, content: list.content.replace('m-dcos', 'o-dcos') };
    expect(isOurCniFile('conflist', shared)).toBe(true);
  });

  it('recognises what versions without wanted addresses wrote', () => {
    const [, portmap] = parsed.plugins;
    expect(isOurCniFile('conflist', changed({ plugins: [bridge, portmap] }))).toBe(true);
  });

  it.each([
    ['another name', { ...list, name: '10-mine.conflist' }],
    ["another network's name", { ...list, name: '99-overlay-web.conflist' }],
    ['another plugin', changed({ plugins: [...parsed.plugins, { type: 'bandwidth' }] })],
    ['other plugins', changed({ plugins: [parsed.plugins[0], { type: 'bandwidth' }] })],
    ['another bridge', { ...list, content: list.content.replace('m-dcos', 'br0') }],
    ['another IPAM plugin', { ...list, content: list.content.replace('overlay-ipam', 'host-local') }],
    ['another key', changed({ disableCheck: true })],
    ['another kind', { ...list, content: mesos.content }],
    ['nothing', { ...list, content: '' }],
    ['no object', { ...list, content: 'null' }],
    ['no plugins', changed({ plugins: [null, 1] })],
  ])('does not take a file with %s for ours', (_what, file) => {
    expect(isOurCniFile('conflist', file)).toBe(false);
  });
});
