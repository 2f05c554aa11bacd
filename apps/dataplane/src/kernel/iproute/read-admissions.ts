import { parseIpAddress } from '@overlay/allocation';
import type { Admission } from '../kernel-object.js';

/** What `nft -j list set` prints, as far as it is read. */
export interface NftSetJson {
  readonly nftables: readonly { readonly set?: { readonly elem?: readonly unknown[] } }[];
}

/** The addresses of the admission set. */
export function parseAdmissions(json: NftSetJson): readonly Admission[] {
  return json.nftables
    .flatMap(({ set }) => set?.elem ?? [])
    .flatMap((element) =>
      typeof element === 'string' ? [{ kind: 'admission', address: parseIpAddress(element) } as const] : [],
    );
}
