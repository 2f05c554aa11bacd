import {
  addressToInteger,
  type Cidr,
  cidrFrom,
  cidrRange,
  networkAddress,
  prefixLength,
} from '@overlay/allocation';

/** The naive counterpart of the subnet pool: a bit for each IPv4 block, searched from the start for each allocation. */
export class BitmapPool {
  readonly #first: number;
  readonly #blockSize: number;
  readonly #blockLength: number;
  readonly #taken: Uint32Array;

  /** The subnet holds at least 32 blocks, so that it fills whole words. */
  constructor(subnet: Cidr, blockLength: number) {
    this.#first = Number(cidrRange(subnet).first);
    this.#blockSize = 2 ** (32 - blockLength);
    this.#blockLength = blockLength;
    this.#taken = new Uint32Array(2 ** (blockLength - prefixLength(subnet)) / 32);
  }

  /** Takes the lowest free block; undefined if none is left. */
  allocate(): Cidr | undefined {
    let word = 0;
    while (this.#taken[word] === 0xffffffff) word += 1;
    const bits = this.#taken[word];
    if (bits === undefined) return undefined;
    const bit = 31 - Math.clz32(~bits & -~bits);
    this.#taken[word] = bits | (1 << bit);
    const integer = this.#first + (word * 32 + bit) * this.#blockSize;
    return cidrFrom(4, BigInt(integer), this.#blockLength);
  }

  /** Gives the block back. */
  free(block: Cidr): void {
    const integer = Number(addressToInteger(networkAddress(block)));
    const index = (integer - this.#first) / this.#blockSize;
    const word = Math.floor(index / 32);
    this.#taken[word] = (this.#taken[word] ?? 0) & ~(1 << (index % 32));
  }
}
