import { decideChecksumOffload } from './checksum-offload.js';
import type { TrialVerdict } from './plan-offload-trial.js';

/** How far `auto` is: `untried`; a verdict; `found-off`: an earlier process, or somebody, had switched it off. */
export type OffloadStanding = 'untried' | 'found-off' | TrialVerdict;

const WARNINGS: Partial<Record<OffloadStanding, string>> = {
  spoils:
    'checksum offload of the tunnel is off: packets with it on do not reach the peers, those without it do; something ' +
    'on the way (network card, hypervisor) spoils checksums. Throughput is lower; with vxlan_checksum_offload: off ' +
    'nothing is tested',
  'found-off':
    'checksum offload of the tunnel was off when this process started and stays off: an earlier test found that it ' +
    'spoils packets, or somebody switched it off; set vxlan_checksum_offload to on or off to decide',
};

/**
 * Decides about checksum offload of the tunnel: as configured, or for `auto` by what is known of kernels and drivers
 * and, where these know nothing bad, by trial.
 */
export class OffloadDecision {
  readonly #setting: 'auto' | 'on' | 'off';
  readonly #kernelRelease: string;
  #standing: OffloadStanding = 'untried';
  /** While a question is asked. */
  #forced: boolean | undefined;

  /** @param kernelRelease as `uname -r` prints it */
  constructor(setting: 'auto' | 'on' | 'off', kernelRelease: string) {
    this.#setting = setting;
    this.#kernelRelease = kernelRelease;
  }

  get standing(): OffloadStanding {
    return this.#standing;
  }

  /** Whether offload shall be on; `as-found`: whatever it is, it stays. */
  decide(driver: string | undefined): boolean | 'as-found' {
    if (!this.triesWith(driver)) return this.#lookUp(driver);
    if (this.#forced !== undefined) return this.#forced;
    switch (this.#standing) {
      case 'untried':
        return 'as-found';
      case 'works':
      case 'inconclusive':
        return true;
      case 'spoils':
      case 'found-off':
        return false;
    }
  }

  /** Whether a trial decides: not where the configuration or what is known of kernel and driver does. */
  triesWith(driver: string | undefined): boolean {
    return this.#setting === 'auto' && this.#lookUp(driver);
  }

  /** Sets offload while a question is asked. */
  force(on: boolean): void {
    this.#forced = on;
  }

  /** Takes the outcome. */
  conclude(standing: OffloadStanding): void {
    this.#forced = undefined;
    this.#standing = standing;
  }

  /** What an operator should know. */
  get warnings(): readonly string[] {
    const warning = WARNINGS[this.#standing];
    return warning === undefined ? [] : [warning];
  }

  #lookUp(driver: string | undefined): boolean {
    const facts = { kernelRelease: this.#kernelRelease, ...(driver === undefined ? {} : { driver }) };
    return decideChecksumOffload(this.#setting, facts);
  }
}
