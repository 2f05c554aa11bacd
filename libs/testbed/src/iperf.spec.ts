import { describe, expect, it } from '@jest/globals';
import { parseIperfReport } from './iperf.js';

describe('an iperf3 report', () => {
  it('gives what the receiver got', () => {
    const end = {
      sum_received: { bits_per_second: 8e9, bytes: 2e9, seconds: 2 },
      sum_sent: { retransmits: 3 },
    };
    expect(parseIperfReport(JSON.stringify({ end }))).toEqual({
      bitsPerSecond: 8e9,
      bytes: 2e9,
      seconds: 2,
      retransmits: 3,
    });
  });

  it('passes iperf3’s own error on', () => {
    expect(() => parseIperfReport('{"end":{},"error":"unable to connect"}')).toThrow('unable to connect');
  });
});
