import type { HostClock, HostInstant } from './host-clock.js';

/** A {@link HostClock} that moves only when it is told to, for tests. */
export class ManualHostClock implements HostClock {
  bootId = 'boot';
  uptimeMs = 1000;
  /** Unix milliseconds. */
  wallMs = 1_000_000;

  nowMs(): number {
    return this.wallMs;
  }

  instant(): HostInstant {
    return { bootId: this.bootId, uptimeMs: this.uptimeMs };
  }

  /** Lets time pass on both clocks. */
  pass(durationMs: number): void {
    this.uptimeMs += durationMs;
    this.wallMs += durationMs;
  }

  /** Starts the host anew. */
  reboot(): void {
    this.bootId = `${this.bootId}+`;
    this.uptimeMs = 1000;
  }
}
