import { connect, type Socket } from 'node:net';
import type { StreamStatus } from './probe-protocol.js';

/** A TCP connection to an echo server that carries a numbered line at every interval until it is closed. */
export class EchoStream {
  readonly #stream: number;
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #pending = '';
  #greeted = false;
  #linesSent = 0;
  #linesEchoed = 0;
  #longestGapMs = 0;
  #lastEcho = performance.now();
  #error: string | undefined;

  constructor(stream: number, target: string, port: number, intervalMs: number) {
    this.#stream = stream;
    this.#socket = connect({ host: target, port, noDelay: true });
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text) => this.#receive(String(text)));
    this.#socket.on('error', (cause) => this.#fail(cause.message));
    this.#socket.on('close', () => this.#fail('the connection closed'));
    this.#timer = setInterval(() => this.#send(), intervalMs);
  }

  status(): StreamStatus {
    return {
      stream: this.#stream,
      ok: this.#error === undefined && this.#linesEchoed > 0,
      linesSent: this.#linesSent,
      linesEchoed: this.#linesEchoed,
      longestGapMs: Math.round(Math.max(this.#longestGapMs, performance.now() - this.#lastEcho)),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #send(): void {
    if (this.#socket.pending || this.#error !== undefined) return;
    this.#socket.write(`${this.#linesSent}\n`);
    this.#linesSent += 1;
  }

  #receive(text: string): void {
    const lines = (this.#pending + text).split('\n');
    this.#pending = lines.pop() ?? '';
    for (const line of lines) {
      if (!this.#greeted) {
        this.#greeted = true;
        this.#lastEcho = performance.now();
        continue;
      }
      if (line !== String(this.#linesEchoed)) this.#fail(`line ${this.#linesEchoed} came back as "${line}"`);
      this.#linesEchoed += 1;
      const now = performance.now();
      this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastEcho);
      this.#lastEcho = now;
    }
  }

  #fail(error: string): void {
    this.#error ??= error;
    clearInterval(this.#timer);
  }
}
