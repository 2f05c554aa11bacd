import { describe, expect, it } from '@jest/globals';
import { planDockerAttachment, planDockerBridge } from './docker-half.js';

describe('a Docker half by hand', () => {
  it('has its gateway first and its containers after it', () => {
    const half = { subnet: '9.0.0.32/27', subnet6: 'fd01:b::8000:0:0/81' };
    const attachment = { network: 'dcos', half, ordinal: 2, mtuBytes: 1420, containerNamespace: 'ns' };
    expect(planDockerBridge('dcos', half, 1420)).toEqual(
      expect.arrayContaining([
        'addr add 9.0.0.33/27 dev d-dcos',
        'addr add fd01:b::8000:0:1/81 dev d-dcos nodad',
      ]),
    );
    expect(planDockerAttachment(attachment).addresses).toEqual([
      { address: '9.0.0.35/27', gateway: '9.0.0.33' },
      { address: 'fd01:b::8000:0:3/81', gateway: 'fd01:b::8000:0:1' },
    ]);
  });

  it('needs a family', () => {
    expect(() => planDockerBridge('dcos', {}, 1420)).toThrow('needs subnet or subnet6');
  });
});
