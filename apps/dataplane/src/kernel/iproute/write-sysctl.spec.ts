import { describe, expect, it } from '@jest/globals';
import type { SysctlFiles } from './sysctl-files.js';
import { writeSysctl } from './write-sysctl.js';

/** Sysctl files in memory. */
function memoryFiles(values: Map<string, string>): SysctlFiles {
  return {
    read: (key) => Promise.resolve(values.get(key)),
    write: async (key, value) => {
      values.set(key, value);
    },
    list: (key) =>
      Promise.resolve([
        ...new Set(
          [...values.keys()]
            .filter((each) => each.startsWith(`${key}/`))
            .map((each) => each.slice(key.length + 1).split('/')[0] ?? ''),
        ),
      ]),
  };
}

describe('writeSysctl', () => {
  it('keeps default routes from router advertisements before IPv6 forwarding goes on', async () => {
    const of = (name: string, value: string): [string, string] => [`net/ipv6/conf/${name}/accept_ra`, value];
    const values = new Map([of('eth0', '1'), of('eth1', '0'), of('default', '1'), of('lo', '1')]);
    await writeSysctl(memoryFiles(values), {
      kind: 'sysctl',
      key: 'net/ipv6/conf/all/forwarding',
      value: '1',
    });
    expect([...values]).toEqual([
      of('eth0', '2'),
      of('eth1', '0'),
      of('default', '1'),
      of('lo', '1'),
      ['net/ipv6/conf/all/forwarding', '1'],
    ]);
  });
});
