import type { Container, ProbeContainerRequest, ProbeContainerResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { Clock } from '@overlay/service';
import { untilAborted } from '../until-aborted.js';
import { probeCommand } from './command-probe.js';
import type { ContainerCommands } from './container-commands.js';
import { findTarget, type ProbeTarget, requireOwn } from './find-target.js';
import { probeGrpc } from './grpc-probe.js';
import { probeHttp } from './http-probe.js';
import { type ProbeWish, parseProbe } from './parse-probe.js';
import { type ProbeFinding, unhealthy } from './probe-finding.js';
import { ProbeGate } from './probe-gate.js';
import { probeTcp } from './tcp-probe.js';

/** What a prober works with. */
export interface ProberDeps {
  /** The containers that hold an address of this host, as of now. */
  readonly containers: () => readonly Container[];
  /** Those of them whose addresses are not this host's any more, and may be another's. */
  readonly stranded: () => readonly Container[];
  /** Absent where the configuration does not allow commands. */
  readonly commands?: ContainerCommands;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
}

/** Who asks for a probe. */
export interface ProbeCaller {
  /** True if a local socket or a verified certificate vouches for the caller. */
  readonly trusted: boolean;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal;
}

/** Probes in flight on one host; more wait. */
const LIMITS = { running: 32, waiting: 1_000 };

/** How long a probe whose time is over may take to end, most of all a command, which is ended through the engine. */
const WIND_UP_MS = 5_000;

/**
 * Probes containers from their own host. The connection comes from the host's end of the container's bridge, so
 * that an isolated container answers too, and reaches nothing but addresses of this host's containers.
 */
export class Prober {
  readonly #deps: ProberDeps;
  readonly #gate = new ProbeGate(LIMITS);

  constructor(deps: ProberDeps) {
    this.#deps = deps;
  }

  /**
   * Runs one probe. A container that does not answer is a finding; a probe that could not be made is an error.
   * @throws OverlayError `invalid_argument`; `not_found` for what is no container of this host;
   * `failed_precondition` if commands are not allowed; `permission_denied` if this caller may not give them;
   * `resource_exhausted` or `deadline_exceeded` if its turn did not come.
   */
  async probe(request: ProbeContainerRequest, caller: ProbeCaller): Promise<ProbeContainerResponse> {
    const wish = parseProbe(request);
    if (wish.probe.kind === 'command') this.#requireCommandsAllowed(caller);
    const target = findTarget(this.#deps.containers(), wish.container);
    requireOwn(target, this.#deps.stranded());
    const { clock } = this.#deps;
    const over = new AbortController();
    const end = () => over.abort();
    caller.signal.addEventListener('abort', end, { once: true });
    if (caller.signal.aborted) end();
    clock.sleep(wish.timeoutMs, over.signal).then(end, end);
    try {
      return await this.#gate.pass(async () => {
        const startedMs = clock.monotonicMs();
        const finding = await this.#runBounded(wish, target, over.signal);
        return { ...finding, durationMs: Math.round(clock.monotonicMs() - startedMs) };
      }, over.signal);
    } finally {
      caller.signal.removeEventListener('abort', end);
      end();
    }
  }

  /** Whatever a container does to a probe, its place is free again soon after its time is over. */
  async #runBounded(wish: ProbeWish, target: ProbeTarget, signal: AbortSignal): Promise<ProbeFinding> {
    const ended = new AbortController();
    const overdue = async () => {
      await untilAborted(signal);
      await this.#deps.clock.sleep(WIND_UP_MS, ended.signal);
      return unhealthy('the probe did not end in time');
    };
    try {
      return await Promise.race([this.#run(wish, target, signal), overdue()]);
    } finally {
      ended.abort();
    }
  }

  #run(wish: ProbeWish, target: ProbeTarget, signal: AbortSignal): Promise<ProbeFinding> {
    const { probe } = wish;
    switch (probe.kind) {
      case 'tcp':
        return probeTcp(target.ip, probe.port, signal);
      case 'http':
        return probeHttp(target.ip, probe, signal);
      case 'grpc':
        return probeGrpc(
          { ip: target.ip, port: probe.port, service: probe.service, timeoutMs: wish.timeoutMs },
          signal,
        );
      case 'command':
        return probeCommand(
          this.#commands(),
          { containerId: target.containerId, half: target.half, argv: probe.argv },
          signal,
        );
    }
  }

  #requireCommandsAllowed({ trusted }: ProbeCaller): void {
    this.#commands();
    if (trusted) return;
    const way = 'call over the local socket, or with a client certificate';
    throw new OverlayError('permission_denied', `a command is not taken over an open connection: ${way}`);
  }

  #commands(): ContainerCommands {
    const { commands } = this.#deps;
    if (commands !== undefined) return commands;
    const message = 'commands inside containers are off on this host: set probe_commands: true in its agent';
    throw new OverlayError('failed_precondition', message);
  }
}
