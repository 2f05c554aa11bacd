/** Requests to a probe: one JSON object a line on its unix socket, each answered by one line with the same `id`. */
export type ProbeRequest =
  | {
      readonly id: number;
      readonly operation: 'tcp' | 'udp';
      readonly target: string;
      readonly port: number;
      readonly sizeBytes: number;
      readonly timeoutMs: number;
    }
  | {
      readonly id: number;
      readonly operation: 'stream-open';
      readonly target: string;
      readonly port: number;
      readonly intervalMs: number;
    }
  | { readonly id: number; readonly operation: 'stream-status' | 'stream-close'; readonly stream: number };

/** One exchange with an echo server. */
export interface EchoResult {
  /** Everything sent came back unchanged. */
  readonly ok: boolean;
  readonly ms: number;
  /** The client's address as the server saw it; absent when the server was not reached. */
  readonly seenAs?: string;
  readonly error?: string;
}

/** A long-lived TCP connection through which numbered lines go and come back. */
export interface StreamStatus {
  readonly stream: number;
  /** Still connected, and nothing came back wrong. */
  readonly ok: boolean;
  readonly linesSent: number;
  readonly linesEchoed: number;
  /** The longest time between two lines that came back. */
  readonly longestGapMs: number;
  readonly error?: string;
}

/** A probe's answer. */
export type ProbeAnswer =
  | { readonly id: number; readonly result: EchoResult | StreamStatus }
  | { readonly id: number; readonly error: string };

/** The port of every probe's echo servers (RFC 862), TCP and UDP. */
export const ECHO_PORT = 7;
