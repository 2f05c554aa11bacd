import { join } from 'node:path';
import { runOrFail } from './command.js';
import { ManagedProcess } from './managed-process.js';
import type { NetworkNamespace } from './network-namespace.js';

/** What to capture. */
export interface CaptureOptions {
  /** Device; default `any`. */
  readonly device?: string;
  /** A pcap-filter(7) expression, one word per element. */
  readonly filter?: readonly string[];
}

/** A running tcpdump that writes to a file. */
export class Capture {
  /** The packets in pcap format. */
  readonly file: string;
  readonly #process: ManagedProcess;

  /** @param name unique in the testbed. */
  constructor(inside: NetworkNamespace, folder: string, name: string, options: CaptureOptions = {}) {
    this.file = join(folder, `${name}.pcap`);
    const device = ['-i', options.device ?? 'any', '-n', '-U', '-Z', 'root', '--immediate-mode'];
    const template = inside.process(name, ['tcpdump', ...device, '-w', this.file, ...(options.filter ?? [])]);
    this.#process = new ManagedProcess({
      ...template.spec,
      listening: () =>
        Promise.resolve(/listening on/.test(template.log()) ? undefined : 'tcpdump is not listening yet'),
    });
  }

  /** Returns once packets are being captured. */
  start(): Promise<void> {
    return this.#process.start();
  }

  /** Ends the capture; what was seen is in the file. Safe to repeat. */
  async stop(): Promise<void> {
    if (this.#process.running) await this.#process.stop();
  }

  /**
   * The captured packets as tcpdump prints them, link-level header included, one string per packet.
   *
   * @param vxlan decode UDP payload as VXLAN: the inner packet follows the outer one in the same string.
   */
  async packets(vxlan = false): Promise<readonly string[]> {
    const decode = vxlan ? ['-T', 'vxlan'] : [];
    return parsePackets(await runOrFail(['tcpdump', '-r', this.file, '-nn', '-e', '-tt', ...decode]));
  }
}

/** Splits tcpdump's text into packets: a line that starts with a time stamp begins one. */
export function parsePackets(text: string): readonly string[] {
  const packets: string[] = [];
  for (const line of text.split('\n')) {
    if (/^\d+\.\d+ /.test(line)) packets.push(line);
    else if (line !== '' && packets.length > 0) packets.push(`${packets.pop()} ${line.trim()}`);
  }
  return packets;
}
