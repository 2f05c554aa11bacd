/** What a ping is asked to do. */
export interface PingOptions {
  /** Echo requests to send, default 1. */
  readonly count?: number;
  /** Size of the whole IP packet in bytes, headers included, so that it compares with an MTU. Default 84. */
  readonly packetBytes?: number;
  /** Forbids fragmentation on the way and at the sender (`-M do`). */
  readonly dontFragment?: boolean;
  /** Between two requests, default 200. */
  readonly intervalMs?: number;
  /** Time to wait for each answer, default 2,000. */
  readonly timeoutMs?: number;
}

/** What came of a ping. */
export interface PingResult {
  /** Every request was answered. */
  readonly ok: boolean;
  readonly sent: number;
  readonly received: number;
  /** Average round trip; absent when nothing came back. */
  readonly rttMs?: number;
  /** ping's own words, for messages. */
  readonly output: string;
}

const HEADER_BYTES = { ipv4: 28, ipv6: 48 } as const; // IP header and ICMP echo header

/** The arguments of ping(8) for a target address. */
export function planPing(target: string, options: PingOptions = {}): readonly string[] {
  const header = target.includes(':') ? HEADER_BYTES.ipv6 : HEADER_BYTES.ipv4;
  const seconds = (ms: number): string => (ms / 1000).toFixed(3);
  return [
    'ping',
    '-n',
    ...['-c', String(options.count ?? 1)],
    ...['-i', seconds(options.intervalMs ?? 200)],
    ...['-W', seconds(options.timeoutMs ?? 2_000)],
    ...(options.packetBytes === undefined ? [] : ['-s', String(options.packetBytes - header)]),
    ...(options.dontFragment === true ? ['-M', 'do'] : []),
    target,
  ];
}

/** Reads what ping(8) of iputils printed. */
export function parsePing(output: string): PingResult {
  const counts = /(\d+) packets transmitted, (\d+) received/.exec(output);
  const sent = Number(counts?.[1] ?? 0);
  const received = Number(counts?.[2] ?? 0);
  const average = /= [\d.]+\/([\d.]+)\//.exec(output)?.[1];
  return {
    ok: sent > 0 && received === sent,
    sent,
    received,
    ...(average === undefined ? {} : { rttMs: Number(average) }),
    output: output.trim(),
  };
}
