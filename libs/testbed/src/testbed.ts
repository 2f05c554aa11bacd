import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { Capture, type CaptureOptions } from './capture.js';
import type { EtcdCluster } from './etcd-cluster.js';
import { type ExitGuard, guardExit } from './exit-guard.js';
import { Host, type HostConfigPatch, type StartWait } from './host.js';
import { runIpBatch } from './ip-batch.js';
import { removeLeftovers } from './leftovers.js';
import type { Master } from './master.js';
import { MasterSet, type MasterSetOptions } from './master-set.js';
import type { NetworkNamespace } from './network-namespace.js';
import type { MasterState } from './overlay-state.js';
import { mergeConfig } from './process-configs.js';
import {
  claimSlot,
  detachRecord,
  releaseSlot,
  removeDetached,
  removeStale,
  type TestbedRecord,
} from './registry.js';
import { findRepository, planEnvironment, type Surroundings } from './surroundings.js';
import { Underlay } from './underlay.js';
import { type AddressPair, planUnderlay } from './underlay-plan.js';

/** What a testbed is made of. */
export interface TestbedOptions extends MasterSetOptions {
  /** Hosts h1, h2, … made at once. Default 3. */
  readonly hosts?: number;
  /** What it is for; detached testbeds are removed by it. Default `test`. */
  readonly label?: string;
  /** Every host has a Docker Engine, which starts before the product's processes. Default false. */
  readonly docker?: boolean;
  /** Laid over the configurations of every host's processes. */
  readonly host?: HostConfigPatch;
}

interface TestbedParts {
  readonly around: Surroundings;
  readonly underlay: Underlay;
  readonly masters: MasterSet;
  /** Removes everything when the process ends. */
  readonly guard: ExitGuard;
}

/**
 * Real hosts out of network namespaces: a switch, hosts on it, an outside that they reach by their default route,
 * and masters in the root namespace with a leg on the underlay. Needs root. Nothing of it outlives
 * {@link Testbed.close}, the end of the process, or, after `kill -9`, the next {@link Testbed.create} anywhere
 * on the machine.
 */
export class Testbed {
  readonly hosts: Host[] = [];
  /** Reached from every host by the default route, at {@link OUTSIDE}; hosts are its on-link neighbours. */
  readonly outside: NetworkNamespace;
  /** Every file of the testbed: configurations, logs, state, captures. */
  readonly folder: string;
  readonly name: string;
  readonly #around: Surroundings;
  readonly #underlay: Underlay;
  readonly #masters: MasterSet;
  readonly #hostConfig: HostConfigPatch;
  readonly #docker: boolean;
  readonly #guard: ExitGuard;
  #record: TestbedRecord;
  #closed = false;
  #hostsMade = 0;
  #captures = 0;

  private constructor(record: TestbedRecord, parts: TestbedParts, options: TestbedOptions) {
    this.#record = record;
    this.name = record.name;
    this.folder = record.folder;
    this.#around = parts.around;
    this.#underlay = parts.underlay;
    this.#masters = parts.masters;
    this.#guard = parts.guard;
    this.#hostConfig = options.host ?? {};
    this.#docker = options.docker ?? false;
    this.outside = this.#underlay.outside;
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
    const guard = guardExit(() => {
      removeLeftovers(record.name, record.folder);
      releaseSlot(record);
    });
    let testbed: Testbed | undefined;
    try {
      mkdirSync(record.folder, { recursive: true, mode: 0o755 });
      const env = planEnvironment(record.name, record.folder, dirname(process.execPath));
      const around = { testbed: record.name, folder: record.folder, repository: findRepository(), env };
      const underlay = new Underlay(around, planUnderlay(record.slot));
      const masters = await MasterSet.create(around, underlay.plan.master.ipv4, options);
      testbed = new Testbed(record, { around, underlay, masters, guard }, options);
      await testbed.#underlay.build();
      await testbed.#addHosts(options.hosts ?? 3, {});
      return testbed;
    } catch (cause) {
      if (testbed === undefined) {
        removeLeftovers(record.name, record.folder);
        guard.release();
        releaseSlot(record);
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

  /** The first master; the only one unless more were asked for. */
  get master(): Master {
    return this.#masters.first;
  }

  /** Every master. Each can be killed, paused, resumed and started again by itself. */
  get masters(): readonly Master[] {
    return this.#masters.masters;
  }

  /** The etcd that holds the log. @throws OverlayError `failed_precondition` with an embedded log. */
  get etcd(): EtcdCluster {
    return this.#masters.etcd;
  }

  /** The master that leads, as soon as exactly one says so. @throws OverlayError `deadline_exceeded`. */
  leader(timeoutMs?: number): Promise<Master> {
    return this.#masters.leader(timeoutMs);
  }

  /** Starts the masters, then the processes of every host, all at once. @param timeoutMs for each to get ready. */
  async start(wait: StartWait = 'ready', timeoutMs = 30_000): Promise<void> {
    const engines = this.#docker ? this.hosts : [];
    await Promise.all([
      this.#masters.start(timeoutMs),
      ...engines.map((host) => host.startDocker(timeoutMs)),
    ]);
    await Promise.all(this.hosts.map((host) => host.start(wait, timeoutMs)));
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
    await host.docker.powerOff();
    await host.stopHelpers();
    const containers = host.containers.map(({ namespace }) => `netns del ${namespace}`);
    for (const container of host.containers) await container.stopHelpers();
    await this.#underlay.pullOut(host.label); // the kernel takes its time to end a namespace
    await runIpBatch([...containers, `netns del ${host.namespace}`]);
    this.hosts.splice(this.hosts.indexOf(host), 1);
  }

  /** The host of a label. @throws OverlayError `not_found`. */
  host(label: string): Host {
    const host = this.hosts.find((candidate) => candidate.label === label);
    if (host === undefined) throw new OverlayError('not_found', `the testbed has no host ${label}`);
    return host;
  }

  /**
   * Cuts a host off the underlay, or the masters, which share one cable: the switch's end goes down. Safe to repeat.
   */
  partition(node: Host | Master): Promise<void> {
    return this.#underlay.setCarrier(labelOf(node), 'down');
  }

  /** Undoes {@link Testbed.partition}. Safe to repeat. */
  heal(node: Host | Master): Promise<void> {
    return this.#underlay.setCarrier(labelOf(node), 'up');
  }

  /** Unused underlay addresses, for {@link Host.changeAddress}. */
  spareAddress(): AddressPair {
    this.#hostsMade += 1;
    return this.#underlay.plan.host(this.#hostsMade);
  }

  /** Captures on the underlay switch, where every frame between hosts passes once. Runs when this returns. */
  async captureUnderlay(options: CaptureOptions = {}): Promise<Capture> {
    return this.capture(this.#underlay.switch, { device: this.#underlay.bridge, ...options });
  }

  /** Captures inside any namespace of the testbed. Runs when this returns. */
  async capture(inside: NetworkNamespace, options: CaptureOptions = {}): Promise<Capture> {
    this.#captures += 1;
    const capture = new Capture(inside, this.folder, `capture-${this.#captures}`, options);
    await capture.start();
    return capture;
  }

  /** Waits until the leader shows STATUS_OK for every network of every host. @throws as {@link Master.waitSettled}. */
  async waitSettled(networks?: readonly string[], timeoutMs = 30_000): Promise<MasterState> {
    const leader = this.masters.length === 1 ? this.master : await this.leader(timeoutMs);
    return leader.waitSettled(
      this.hosts.map((host) => host.address.ipv4),
      networks,
      timeoutMs,
    );
  }

  /** The end of every log, for a person who wonders what went wrong. */
  logTails(lines = 10): string {
    const processes = [...this.masters, ...this.hosts.flatMap((host) => host.processes)];
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
    const processes = this.hosts.flatMap((host) => host.processes);
    await Promise.all([
      this.#masters.kill(),
      ...processes.map((process) => process.kill()),
      ...this.hosts.map((host) => host.docker.kill()),
    ]);
    const problems = removeLeftovers(this.name);
    if (keepFolder === undefined) removeLeftovers(this.name, this.folder);
    else renameSync(this.folder, keepFolder);
    this.#guard.release();
    releaseSlot(this.#record);
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

  async #addHosts(count: number, config: HostConfigPatch): Promise<readonly Host[]> {
    const specs = Array.from({ length: count }, () => {
      const address = this.spareAddress();
      return { label: `h${this.#hostsMade}`, address };
    });
    await this.#underlay.plugIn(specs);
    const hosts = specs.map(
      ({ label, address }) =>
        new Host(this.#around, {
          label,
          address,
          router: this.#underlay.plan.router,
          masters: this.#masters.addresses,
          config: {
            agent: mergeConfig(this.#hostConfig.agent ?? {}, config.agent ?? {}),
            ipam: mergeConfig(this.#hostConfig.ipam ?? {}, config.ipam ?? {}),
            dataplane: mergeConfig(this.#hostConfig.dataplane ?? {}, config.dataplane ?? {}),
          },
        }),
    );
    this.hosts.push(...hosts);
    return hosts;
  }
}

/** The label of a host; the master has none, for it sits in the root namespace. */
function labelOf(node: Host | Master): string | undefined {
  return node instanceof Host ? node.label : undefined;
}
