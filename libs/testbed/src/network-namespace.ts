import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, runCommand, runOrFail } from './command.js';
import { runIpBatch } from './ip-batch.js';
import { parseIperfReport, type Throughput } from './iperf.js';
import { NETNS_DIR } from './leftovers.js';
import { ManagedProcess } from './managed-process.js';
import { type PingOptions, type PingResult, parsePing, planPing } from './ping.js';
import { ECHO_PORT, type EchoResult, type StreamStatus } from './probe/probe-protocol.js';
import { ProbeClient } from './probe-client.js';
import type { Surroundings } from './surroundings.js';
import { namespaceName } from './testbed-name.js';

/** How much to send and how long to wait. */
export interface EchoOptions {
  /** Payload, default 64. */
  readonly sizeBytes?: number;
  /** Default 3,000. */
  readonly timeoutMs?: number;
}

const IPERF_PORT = 5201;

/** A network namespace and what can be done from inside it. Hosts, containers and the outside are such. */
export class NetworkNamespace {
  /** Short name, unique in the testbed: `h1`, `outside`, `h1-c2`. */
  readonly label: string;
  /** Full name, as `ip netns` lists it. */
  readonly namespace: string;
  protected readonly around: Surroundings;
  #probe: ProbeClient | undefined;

  constructor(around: Surroundings, label: string) {
    this.around = around;
    this.label = label;
    this.namespace = namespaceName(around.testbed, label);
  }

  /** Path of the namespace, as CNI and nsenter want it. */
  get path(): string {
    return join(NETNS_DIR, this.namespace);
  }

  /** Put before a command, this runs it inside. `ip netns exec` would hide the cgroup mounts. */
  get enter(): readonly string[] {
    return ['nsenter', `--net=${this.path}`, '--'];
  }

  /** Runs a program inside; a non-zero exit is a result. */
  exec(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand([...this.enter, ...argv], { env: this.around.env, ...options });
  }

  /** Runs a program inside that has to succeed. @returns its standard output. */
  execOrFail(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
    return runOrFail([...this.enter, ...argv], { env: this.around.env, ...options });
  }

  /** A program inside that keeps running until it is stopped or the testbed closes. Not started yet. */
  process(name: string, argv: readonly string[]): ManagedProcess {
    return new ManagedProcess({
      name: `${this.label} ${name}`,
      argv: [...this.enter, ...argv],
      env: this.around.env,
      logFile: join(this.around.folder, `${this.label}.${name}.log`),
    });
  }

  /** Runs iproute2 commands inside, in one process. */
  ip(...lines: readonly string[]): Promise<void> {
    return runIpBatch(lines, this.namespace);
  }

  /** What `ip -json ARGS` prints inside. The caller names the shape. */
  async ipJson<T>(...args: readonly string[]): Promise<readonly T[]> {
    const output = await runOrFail(['ip', '-n', this.namespace, '-json', ...args]);
    return output.trim() === '' ? [] : (JSON.parse(output) as readonly T[]);
  }

  /** Pings an address of either family. */
  async ping(target: string, options: PingOptions = {}): Promise<PingResult> {
    const result = await this.exec(planPing(target, options), { timeoutMs: 60_000 });
    return parsePing(result.stdout + result.stderr);
  }

  /** Serves TCP and UDP echo on port 7 of every address here, until the testbed closes. Safe to repeat. */
  serveEcho(): Promise<void> {
    return this.#probeClient().start();
  }

  /** Sends a payload to the echo server at an address over TCP and checks what comes back. */
  tcp(target: string, options: EchoOptions = {}): Promise<EchoResult> {
    return this.#echo('tcp', target, options);
  }

  /** Sends one datagram to the echo server at an address and checks what comes back. */
  udp(target: string, options: EchoOptions = {}): Promise<EchoResult> {
    return this.#echo('udp', target, options);
  }

  /** Opens a TCP connection to an echo server that carries a numbered line every interval. @returns its number. */
  async openStream(target: string, intervalMs = 10): Promise<number> {
    const request = { operation: 'stream-open', target, port: ECHO_PORT, intervalMs } as const;
    return (await this.#probeClient().stream(request)).stream;
  }

  /** How a stream fares. */
  streamStatus(stream: number): Promise<StreamStatus> {
    return this.#probeClient().stream({ operation: 'stream-status', stream });
  }

  /** Closes a stream. @returns how it fared. */
  closeStream(stream: number): Promise<StreamStatus> {
    return this.#probeClient().stream({ operation: 'stream-close', stream });
  }

  /**
   * TCP throughput from here to an address of another namespace, measured by iperf3.
   *
   * @param server the namespace that has the address; the server runs there for this one measurement.
   */
  async throughput(server: NetworkNamespace, address: string, seconds = 2): Promise<Throughput> {
    const listener = new ManagedProcess({
      name: `${server.label} iperf3`,
      argv: [...server.enter, 'iperf3', '--server', '--port', String(IPERF_PORT), '--forceflush'],
      env: this.around.env,
      logFile: join(this.around.folder, `${server.label}.iperf3.log`),
      listening: () => Promise.resolve(server.#listensOnTcp(listener.pid, IPERF_PORT)),
    });
    await listener.start();
    try {
      const client = ['iperf3', '--client', address, '--port', String(IPERF_PORT), '--time', String(seconds)];
      const result = await this.exec([...client, '--json', '--connect-timeout', '3000'], {
        timeoutMs: (seconds + 20) * 1000,
      });
      return parseIperfReport(result.stdout);
    } finally {
      await listener.kill();
    }
  }

  /** Ends the helper processes of this namespace. */
  async stopHelpers(): Promise<void> {
    await this.#probe?.stop();
    this.#probe = undefined;
  }

  #echo(operation: 'tcp' | 'udp', target: string, options: EchoOptions): Promise<EchoResult> {
    const { sizeBytes = 64, timeoutMs = 3_000 } = options;
    return this.#probeClient().echo({ operation, target, port: ECHO_PORT, sizeBytes, timeoutMs });
  }

  #probeClient(): ProbeClient {
    this.#probe ??= new ProbeClient(this.around, this.label, this.enter);
    return this.#probe;
  }

  /** Looks for the port in the socket table that a process of the namespace sees (proc(5), net/tcp6). */
  #listensOnTcp(pid: number | undefined, port: number): string | undefined {
    const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
    const table = ['tcp', 'tcp6'].map((file) => readFileSync(`/proc/${pid}/net/${file}`, 'utf8')).join('');
    const listens = table.split('\n').some((line) => line.includes(wanted) && line.includes(' 0A '));
    return listens ? undefined : `nothing listens on port ${port} yet`;
  }
}
