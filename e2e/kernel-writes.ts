import type { Host, ManagedProcess } from '@overlay/testbed';
import { waitUntil } from './wait-until.js';

/** What the kernel does by itself, and what belongs to containers and to the underlay. */
const NOISE =
  /\b(STALE|REACHABLE|DELAY|PROBE|INCOMPLETE|FAILED)\b|fe80::|ff00::|veth|dev eth0|dev d-|^#|^\s|\blocal\b|broadcast|\bcounter\b.*packets/;
const OBJECTS = ['link', 'address', 'neigh', 'route', 'nexthop', 'rule'];

/** Follows everything that is put into a host's kernel; what goes away is not followed. */
export class KernelWrites {
  readonly #monitors: readonly ManagedProcess[];

  private constructor(monitors: readonly ManagedProcess[]) {
    this.#monitors = monitors;
  }

  /** Listens from now on. */
  static async follow(host: Host, name: string): Promise<KernelWrites> {
    const monitors = [
      host.process(`ip-${name}`, ['ip', '-o', 'monitor', 'label', ...OBJECTS]),
      host.process(`nft-${name}`, ['stdbuf', '-oL', 'nft', 'monitor']),
    ];
    for (const monitor of monitors) await monitor.start();
    const writes = new KernelWrites(monitors);
    // A monitor that listens hears of this; it is foreign to the product.
    const probe = `198.51.100.${1 + (name.length % 200)}`;
    await waitUntil('the monitors listen', async () => {
      await host.ip(`route replace ${probe}/32 dev lo metric 77`, `route del ${probe}/32 dev lo metric 77`);
      return monitors.every((monitor, index) => index > 0 || monitor.log().includes(probe));
    });
    return writes;
  }

  /** Stops listening. @returns a line for each entry that was added or changed. */
  async end(): Promise<readonly string[]> {
    for (const monitor of this.#monitors) await monitor.stop();
    return this.#monitors
      .flatMap((monitor) => monitor.log().split('\n'))
      .filter((line) => line !== '' && !/\]Deleted |^delete |metric 77/.test(line) && !NOISE.test(line));
  }
}
