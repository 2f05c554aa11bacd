import { describe, expect, it } from '@jest/globals';
import { parseInspection } from './runtime-container.js';

function inspection(endpoint: object): string {
  const networks = {
    dcos: endpoint,
    other: { IPAddress: '172.18.0.2', IPPrefixLen: 16, Gateway: '172.18.0.1' },
  };
  return JSON.stringify([{ Id: 'abc', State: { Pid: 42 }, NetworkSettings: { Networks: networks } }]);
}

describe('what a runtime shows of a container', () => {
  it('is its addresses of both families on the network that was asked for', () => {
    const endpoint = {
      IPAddress: '9.0.0.34',
      IPPrefixLen: 27,
      Gateway: '9.0.0.33',
      GlobalIPv6Address: 'fd01:b::8000:0:2',
      GlobalIPv6PrefixLen: 81,
      IPv6Gateway: 'fd01:b::8000:0:1',
    };
    expect(parseInspection(inspection(endpoint), 'dcos')).toEqual({
      id: 'abc',
      pid: 42,
      addresses: [
        { address: '9.0.0.34/27', gateway: '9.0.0.33' },
        { address: 'fd01:b::8000:0:2/81', gateway: 'fd01:b::8000:0:1' },
      ],
    });
  });

  it('has no address where the runtime writes empty texts', () => {
    const endpoint = { IPAddress: '', IPPrefixLen: 0, Gateway: '', GlobalIPv6Address: '' };
    expect(parseInspection(inspection(endpoint), 'dcos').addresses).toEqual([]);
  });

  it('is an error for a network that the container is not on', () => {
    expect(() => parseInspection(inspection({}), 'dcos6')).toThrow('dcos6');
  });
});
