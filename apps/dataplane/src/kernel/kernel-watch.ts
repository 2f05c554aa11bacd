import type { KernelObjectKind } from './kernel-object.js';

/**
 * Something that changed in the kernel. An event only wakes the dataplane up; what is there is read afterwards.
 *
 * `object`: an entry with its key and attributes (see `keyOf` and `attributesOf`), so that the echo of our own writes
 * can be told from damage. `device`: something about a device, its addresses or its settings. `nftables`: something
 * in our table. `docker`: something in Docker's chain. `port`: a device became a port of a CNI bridge, or a port went. `lost`: events may be missing, anything can have changed.
 */
export type KernelEvent =
  | {
      readonly type: 'object';
      readonly kind: KernelObjectKind;
      readonly key: string;
      /** As it is now; undefined: gone. */
      readonly attributes: string | undefined;
      /** Bears the mark of ours (protocol, priority, permanence); on a device, only if that device is ours. */
      readonly marked: boolean;
      readonly device?: string;
    }
  | { readonly type: 'device'; readonly kind: 'link' | 'address' | 'sysctl'; readonly device: string }
  | { readonly type: 'nftables' }
  | { readonly type: 'docker' }
  | { readonly type: 'port' }
  | { readonly type: 'lost' };

/** Watches one source of kernel events. */
export interface KernelWatch {
  /** For logs. */
  readonly name: string;
  /** Events as they come, those that came together as one batch, until the signal aborts or the source fails. */
  watch(signal: AbortSignal): AsyncIterable<readonly KernelEvent[]>;
}
