import { describe, expect, it } from '@jest/globals';
import { Readiness } from '@overlay/service';
import { ManualHostClock } from '../manual-host-clock.js';
import type { CallOutcome, IpamCaller } from './ipam-caller.js';
import { probeIpam } from './probe-ipam.js';

describe('probeIpam', () => {
  const readiness = new Readiness();
  const clock = new ManualHostClock();
  const reasonsAfter = async (outcome: CallOutcome) => {
    const ipam: IpamCaller = {
      call: async (_method, _body, untilMs) =>
        untilMs > clock.uptimeMs ? outcome : { kind: 'undelivered', reason: 'is given no time' },
    };
    await probeIpam({ ipam, clock, readiness });
    return readiness.reasons();
  };

  it('says why overlay-ipam is away, until it answers, a refusal too', async () => {
    const down = { kind: 'undelivered', reason: 'overlay-ipam is down' } as const;
    const silent = { kind: 'unknown', reason: 'overlay-ipam does not answer' } as const;
    expect(await reasonsAfter(down)).toEqual(['ipam: overlay-ipam is down']);
    expect(await reasonsAfter(silent)).toEqual(['ipam: overlay-ipam does not answer']);
    expect(await reasonsAfter({ kind: 'answered', answer: { Error: 'no such method' } })).toEqual([]);
  });
});
