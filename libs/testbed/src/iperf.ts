import { OverlayError } from '@overlay/failure';

/** Throughput of one TCP run as the receiver measured it. */
export interface Throughput {
  readonly bitsPerSecond: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly retransmits: number;
}

/** Reads the JSON report of an iperf3 client. @throws OverlayError `internal` with iperf3's own error. */
export function parseIperfReport(text: string): Throughput {
  const report = JSON.parse(text) as {
    readonly error?: string;
    readonly end?: {
      readonly sum_received?: {
        readonly bits_per_second: number;
        readonly bytes: number;
        readonly seconds: number;
      };
      readonly sum_sent?: { readonly retransmits?: number };
    };
  };
  const received = report.end?.sum_received;
  if (report.error !== undefined || received === undefined) {
    throw new OverlayError('internal', `iperf3: ${report.error ?? 'the report has no result'}`);
  }
  return {
    bitsPerSecond: received.bits_per_second,
    bytes: received.bytes,
    seconds: received.seconds,
    retransmits: report.end?.sum_sent?.retransmits ?? 0,
  };
}
