import { describe, expect, it } from '@jest/globals';
import { parsePing, planPing } from './ping.js';

describe('ping', () => {
  it.each([
    ['10.0.0.1', '1392'],
    ['fd00::1', '1372'],
  ])('towards %s fills a packet of 1420 bytes with %s bytes of data', (target, bytes) => {
    const argv = planPing(target, { packetBytes: 1420, dontFragment: true });
    expect(argv).toEqual(expect.arrayContaining(['-s', bytes, '-M', 'do', target]));
  });

  it('reads answers and losses', () => {
    const output =
      '3 packets transmitted, 2 received, 33% packet loss\nrtt min/avg/max/mdev = 0.020/0.031/0.050/0.010 ms\n';
    expect(parsePing(output)).toMatchObject({ ok: false, sent: 3, received: 2, rttMs: 0.031 });
  });

  it('reads a complete failure', () => {
    expect(parsePing('ping: sendmsg: Network is unreachable')).toMatchObject({
      ok: false,
      sent: 0,
      received: 0,
    });
  });
});
