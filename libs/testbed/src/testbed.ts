import { mkdirSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { Capture, type CaptureOptions } from './capture.js';
import { type ExitGuard, guardExit } from './exit-guard.js';
import { Host, type HostConfigPatch, planUnderlayAddresses, type StartWait } from './host.js';
import { runIpBatch } from './ip-batch.js';
import { removeLeftovers } from './leftovers.js';
import { Master } from './master.js';
import { NetworkNamespace } from './network-namespace.js';
import { type Configuration, MASTER_GRPC_PORT } from './process-configs.js';
import {
  claimSlot,
  detachRecord,
  releaseSlot,
  releaseSlotTidily,
  removeDetached,
  removeStale,
  type TestbedRecord,
} from './registry.js';
import { findRepository, planEnvironment, type Surroundings } from './surroundings.js';
import { namespaceName, rootLinkName } from './testbed-name.js';
import {
  type AddressPair,
  OUTSIDE,
  planUnderlay,
  UNDERLAY_LENGTH,
  type UnderlayPlan,
} from './underlay-plan.js';

/** What a testbed is made of. */
export interface TestbedOptions {
  /** Hosts h1, h2, … made at once. Default 3. */
  readonly hosts?: number;
  /** What it is for; detached testbeds are removed by it. Default `test`. */
  readonly label?: string;
  /** HTTP port of the master on 127.0.0.1, taken if it is free. Default: any free port. */
  readonly preferredHttpPort?: number;
  /** Laid over the master's configuration, for example `{ network: { … } }`. */
  readonly master?: Configuration;
  /** Laid over the configurations of every host's processes. */
  readonly host?: HostConfigPatch;
}

const SWITCH = 'switch';
const BRIDGE = 'underlay';

/**
 * Real hosts out of network namespaces: a switch, hosts on it, an outside that they reach by their default route,
 * and a master in the root namespace with a leg on the underlay. Needs root. Nothing of it outlives
 * {@link Testbed.close}, the end of the process, or, after `kill -9`, the next {@link Testbed.create} anywhere
 * on the machine.
 */
export class Testbed {
  readonly hosts: Host[] = [];
  /** Reached from every host by the default route, at {@link OUTSIDE}; hosts are its on-link neighbours. */
  readonly outside: NetworkNamespace;
  readonly master: Master;
  /** Every file of the testbed: configurations, logs, state, captures. */
  readonly folder: string;
  readonly name: string;
  readonly #around: Surroundings;
  readonly #plan: UnderlayPlan;
  readonly #switch: NetworkNamespace;
  readonly #hostConfig: HostConfigPatch;
  readonly #guard: ExitGuard;
  #record: TestbedRecord;
  #closed = false;
  #hostsMade = 0;
  #captures = 0;

  private constructor(record: TestbedRecord, options: TestbedOptions, httpPort: number) {
    this.#record = record;
    this.name = record.name;
    this.folder = record.folder;
    const env = planEnvironment(record.name, record.folder, dirname(process.execPath));
    this.#around = { testbed: record.name, folder: record.folder, repository: findRepository(), env };
    this.#plan = planUnderlay(record.slot);
    this.#hostConfig = options.host ?? {};
    this.#switch = new NetworkNamespace(this.#around, SWITCH);
    this.outside = new NetworkNamespace(this.#around, 'outside');
    this.master = new Master(this.#around, this.#plan.master.ipv4, httpPort, options.master ?? {});
    this.#guard = guardExit(() => this.#removeNow());
  }

  /**
   * Makes the namespaces and links; no process of the product runs yet.
   *
   * @throws OverlayError `failed_precondition` without root, `internal` with the kernel's words; nothing is left then.
   */
  static async create(options: TestbedOptions = {}): Promise<Testbed> {
    if (process.getuid?.() !== 0) {
      throw new OverlayError('failed_precondition', 'a testbed makes network namespaces: run it as root');
    }
    const record = await claimSlot(options.label ?? 'test');
    let testbed: Testbed | undefined;
    try {
      mkdirSync(record.folder, { recursive: true, mode: 0o755 });
      testbed = new Testbed(record, options, await freeHttpPort(options.preferredHttpPort));
      await testbed.#wire();
      await testbed.#addHosts(options.hosts ?? 3, {});
      return testbed;
    } catch (cause) {
      if (testbed === undefined) {
        removeLeftovers(record.name, record.folder);
        await releaseSlotTidily(record);
      } else {
        await testbed.close();
      }
      throw cause;
    }
  }

  /** Removes the remains of testbeds whose owner died. @returns their names. */
  static cleanupStale(): Promise<readonly string[]> {
    return removeStale();
  }

  /** Removes the testbeds of a label that {@link Testbed.detach} left running. @returns their names. */
  static removeDetached(label: string): Promise<readonly string[]> {
    return removeDetached(label);
  }

  /** Starts the master, then the processes of every host, all at once. */
  async start(wait: StartWait = 'ready'): Promise<void> {
    if (!this.master.running) await this.master.start();
    await Promise.all(this.hosts.map((host) => host.start(wait)));
  }

  /** Adds one more host; its processes do not run yet. */
  async addHost(config: HostConfigPatch = {}): Promise<Host> {
    const [host] = await this.#addHosts(1, config);
    if (host === undefined) throw new OverlayError('internal', 'no host was made');
    return host;
  }

  /** Takes a host away with everything on it, as if it had burnt. */
  async removeHost(host: Host): Promise<void> {
    await host.kill();
    await host.stopHelpers();
    const containers = host.containers.map(({ namespace }) => `netns del ${namespace}`);
    for (const container of host.containers) await container.stopHelpers();
    await this.#switch.ip(`link del dev ${host.label}`); // the kernel takes its time to end a namespace
    await runIpBatch([...containers, `netns del ${host.namespace}`]);
    this.hosts.splice(this.hosts.indexOf(host), 1);
  }

  /** The host of a label. @throws OverlayError `not_found`. */
  host(label: string): Host {
    const host = this.hosts.find((candidate) => candidate.label === label);
    if (host === undefined) throw new OverlayError('not_found', `the testbed has no host ${label}`);
    return host;
  }

  /** Cuts a host, or the master, off the underlay: the switch's end of its cable goes down. Safe to repeat. */
  partition(node: Host | Master): Promise<void> {
    return this.#switch.ip(`link set dev ${this.#portOf(node)} down`);
  }

  /** Undoes {@link Testbed.partition}. Safe to repeat. */
  heal(node: Host | Master): Promise<void> {
    return this.#switch.ip(`link set dev ${this.#portOf(node)} up`);
  }

  /** Unused underlay addresses, for {@link Host.changeAddress}. */
  spareAddress(): AddressPair {
    this.#hostsMade += 1;
    return this.#plan.host(this.#hostsMade);
  }

  /** Captures on the underlay switch, where every frame between hosts passes once. Runs when this returns. */
  async captureUnderlay(options: CaptureOptions = {}): Promise<Capture> {
    return this.capture(this.#switch, { device: BRIDGE, ...options });
  }

  /** Captures inside any namespace of the testbed. Runs when this returns. */
  async capture(inside: NetworkNamespace, options: CaptureOptions = {}): Promise<Capture> {
    this.#captures += 1;
    const capture = new Capture(inside, this.folder, `capture-${this.#captures}`, options);
    await capture.start();
    return capture;
  }

  /** Waits until every host shows STATUS_OK for every network. @throws as {@link Master.waitSettled}. */
  async waitSettled(networks?: readonly string[], timeoutMs = 30_000): Promise<void> {
    await this.master.waitSettled(
      this.hosts.map((host) => host.address.ipv4),
      networks,
      timeoutMs,
    );
  }

  /** The end of every log, for a person who wonders what went wrong. */
  logTails(lines = 10): string {
    const processes = [this.master, ...this.hosts.flatMap((host) => host.processes)];
    return processes.map((process) => `== ${process.spec.name}\n${process.logTail(lines)}`).join('\n');
  }

  /** Lets the testbed outlive this process; {@link Testbed.removeDetached} ends it. */
  detach(): void {
    this.#record = detachRecord(this.#record);
    this.#closed = true;
    this.#guard.release();
  }

  /**
   * Removes everything. Safe to repeat.
   *
   * @param keepFolder moves the folder there instead of deleting it, to look at the logs later.
   * @throws OverlayError `internal` naming what could not be removed.
   */
  async close(keepFolder?: string): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const processes = [this.master, ...this.hosts.flatMap((host) => host.processes)];
    await Promise.all(processes.map((process) => process.kill()));
    const problems = removeLeftovers(this.name);
    if (keepFolder === undefined) removeLeftovers(this.name, this.folder);
    else renameSync(this.folder, keepFolder);
    this.#guard.release();
    await releaseSlotTidily(this.#record);
    if (problems.length > 0) {
      throw new OverlayError(
        'internal',
        `testbed ${this.name} left something behind: ${problems.join('; ')}`,
      );
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #removeNow(): void {
    this.#closed = true;
    removeLeftovers(this.name, this.folder);
    releaseSlot(this.#record);
  }

  async #wire(): Promise<void> {
    const { master, router } = this.#plan;
    const inSwitch = this.#switch.namespace;
    const root = rootLinkName(this.name);
    await runIpBatch([
      `netns add ${inSwitch}`,
      `netns add ${this.outside.namespace}`,
      `link add name outside netns ${inSwitch} type veth peer name eth0 netns ${this.outside.namespace}`,
      `link add name root netns ${inSwitch} type veth peer name ${root}`,
    ]);
    await Promise.all([
      this.#switch.ip(
        'link set lo up',
        `link add ${BRIDGE} type bridge mcast_snooping 0`,
        `link set ${BRIDGE} addrgenmode none`,
        `link set ${BRIDGE} up`,
        ...planPort('outside'),
        ...planPort('root'),
      ),
      this.outside.ip(
        'link set lo up',
        `addr add ${OUTSIDE.ipv4}/32 dev lo`,
        `addr add ${OUTSIDE.ipv6}/128 dev lo nodad`,
        'link set eth0 up',
        ...planUnderlayAddresses(router),
      ),
      runIpBatch([
        `link set ${root} addrgenmode none`,
        `addr add ${master.ipv4}/${UNDERLAY_LENGTH.ipv4} dev ${root}`,
        `addr add ${master.ipv6}/${UNDERLAY_LENGTH.ipv6} dev ${root} nodad`,
        `link set ${root} up`,
      ]),
    ]);
  }

  async #addHosts(count: number, config: HostConfigPatch): Promise<readonly Host[]> {
    const specs = Array.from({ length: count }, () => {
      const address = this.spareAddress();
      return { label: `h${this.#hostsMade}`, address };
    });
    await runIpBatch(
      specs.flatMap(({ label }) => {
        const namespace = namespaceName(this.name, label);
        return [
          `netns add ${namespace}`,
          `link add name ${label} netns ${this.#switch.namespace} type veth peer name eth0 netns ${namespace}`,
        ];
      }),
    );
    await this.#switch.ip(...specs.flatMap(({ label }) => planPort(label)));
    const hosts = specs.map(
      ({ label, address }) =>
        new Host(this.#around, {
          label,
          address,
          router: this.#plan.router,
          masters: [`${this.#plan.master.ipv4}:${MASTER_GRPC_PORT}`],
          config: { ...this.#hostConfig, ...config },
        }),
    );
    await Promise.all(hosts.map((host) => this.#wireHost(host)));
    this.hosts.push(...hosts);
    return hosts;
  }

  #wireHost(host: Host): Promise<void> {
    return host.ip(
      'link set lo up',
      'link set eth0 up',
      ...planUnderlayAddresses(host.address),
      `route add default via ${this.#plan.router.ipv4} dev eth0`,
      `route add default via ${this.#plan.router.ipv6} dev eth0`,
    );
  }

  #portOf(node: Host | Master): string {
    return node instanceof Master ? 'root' : node.label;
  }
}

/** The switch's end of a cable: a bridge port without addresses of its own. */
function planPort(name: string): readonly string[] {
  return [
    `link set dev ${name} addrgenmode none`,
    `link set dev ${name} master ${BRIDGE}`,
    `link set dev ${name} up`,
  ];
}

/** The preferred port if nobody listens on it, else one that the kernel picks. */
async function freeHttpPort(preferred = 0): Promise<number> {
  const probe = (port: number): Promise<number | undefined> =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(undefined));
      server.listen(port, '127.0.0.1', () => {
        const bound = server.address();
        server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : undefined));
      });
    });
  const port = (await probe(preferred)) ?? (await probe(0));
  if (port === undefined) throw new OverlayError('resource_exhausted', 'no TCP port of 127.0.0.1 is free');
  return port;
}
