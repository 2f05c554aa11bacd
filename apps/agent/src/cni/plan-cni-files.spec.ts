import { describe, expect, it } from '@jest/globals';
import { exampleNetwork } from '../configuration/example-registration.js';
import { isOurCniConfiguration } from './cni-ownership.js';
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
    expect(isOurCniConfiguration(mesos?.content ?? '')).toBe(true);
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

  it('writes what is recognised as ours', () => {
    const files = planCniFiles(exampleNetwork('dcos', 0), settings, false);
    expect(isOurCniConfiguration(files?.mesos.content ?? '')).toBe(true);
    expect(isOurCniConfiguration(files?.conflist.content ?? '')).toBe(true);
  });

  it('writes nothing without a CNI half', () => {
    expect(
      planCniFiles({ ...exampleNetwork('dcos', 0), cniBridge: undefined }, settings, false),
    ).toBeUndefined();
  });
});

describe('isOurCniConfiguration', () => {
  it.each(['', 'null', '[]', '1', '{"plugins":{}}', '{"plugins":[null]}', '{"ipam":"overlay-ipam"}'])(
    'does not take %j for ours',
    (content) => {
      expect(isOurCniConfiguration(content)).toBe(false);
    },
  );
});
