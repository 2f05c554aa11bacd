import type { CniAddress } from './cni-chain.js';
import { runIpBatch } from './ip-batch.js';
import { NetworkNamespace } from './network-namespace.js';
import type { Surroundings } from './surroundings.js';

/** Which half of the host's block a container is on. */
export type Half = 'cni' | 'docker';

/** How a container hangs on its network. */
export interface Attachment {
  /** Label of the host. */
  readonly host: string;
  readonly network: string;
  readonly half: Half;
  readonly addresses: readonly CniAddress[];
  /** The id by which the runtime knows it; absent where no runtime runs it. */
  readonly runtimeId?: string;
  /** Takes the container off the network; its namespace is still there. */
  readonly detach: () => Promise<void>;
}

/** A container, or a namespace that plays one: one interface `eth0` on one network. */
export class Container extends NetworkNamespace {
  readonly host: string;
  readonly network: string;
  readonly half: Half;
  readonly addresses: readonly CniAddress[];
  /** The id by which the runtime knows it; `undefined` where no runtime runs it. */
  readonly runtimeId: string | undefined;
  readonly #detach: () => Promise<void>;

  constructor(around: Surroundings, label: string, attachment: Attachment) {
    super(around, label);
    this.host = attachment.host;
    this.network = attachment.network;
    this.half = attachment.half;
    this.addresses = attachment.addresses;
    this.runtimeId = attachment.runtimeId;
    this.#detach = attachment.detach;
  }

  /** Its IPv4 address without length, if it has one. */
  get ipv4(): string | undefined {
    return this.#address((address) => !address.includes(':'));
  }

  /** Its IPv6 address without length, if it has one. */
  get ipv6(): string | undefined {
    return this.#address((address) => address.includes(':'));
  }

  /** Takes it off its network (CNI DEL) and removes its namespace. */
  async remove(): Promise<void> {
    await this.stopHelpers();
    await this.#detach();
    await runIpBatch([`netns del ${this.namespace}`]);
  }

  #address(wanted: (address: string) => boolean): string | undefined {
    return this.addresses
      .map(({ address }) => address)
      .find(wanted)
      ?.split('/')[0];
  }
}
