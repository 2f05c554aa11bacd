import { OverlayError } from '@overlay/failure';
import { type Cidr, cidrFamily, prefixLength } from './cidr.js';
import { ADDRESS_BITS } from './ip-address.js';
import { type Numbering, numberAddresses } from './numbering.js';
import { ValuePool } from './value-pool.js';

/**
 * Cuts a subnet into blocks of one length and hands them out, the lowest free first, the very first included.
 * A /48 cut into /120 (2^72 blocks) is no dearer than a /8 cut into /26.
 */
export class SubnetPool extends ValuePool<Cidr> {
  readonly subnet: Cidr;
  /** The length in bits of every block. */
  readonly blockLength: number;

  /** @throws OverlayError `internal` if the subnet cannot be cut into blocks of that length. */
  constructor(subnet: Cidr, blockLength: number) {
    super(blocksOf(subnet, blockLength));
    this.subnet = subnet;
    this.blockLength = blockLength;
  }
}

function blocksOf(subnet: Cidr, blockLength: number): Numbering<Cidr> {
  const bits = ADDRESS_BITS[cidrFamily(subnet)];
  if (!Number.isInteger(blockLength) || blockLength < prefixLength(subnet) || blockLength > bits) {
    throw new OverlayError('internal', `${subnet} cannot be cut into blocks of length ${blockLength}`);
  }
  return numberAddresses(subnet, bits - blockLength, `/${blockLength}`);
}
