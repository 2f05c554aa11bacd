import type { InterfaceAddress, MacAddress } from '@overlay/allocation';
import type { Admission, FdbEntry, Neighbour, Nexthop, Route, Rule } from './kernel-object.js';

/** An object of which the kernel tells everything when it comes, changes or goes. */
export type KernelEntry = Neighbour | FdbEntry | Nexthop | Route | Rule | Admission;

/**
 * What happened to a device: `new`: it is there and was never up; `down`: it was up, and what stood on it went with
 * that; `up`: it is up, something about it changed; `gone`: it is no longer there.
 */
export type LinkChange = 'new' | 'down' | 'up' | 'gone';

/**
 * Something that changed in the kernel.
 *
 * `entry`: with its content, so that the echo of our own writes can be told from damage, and damage needs no reading.
 * `marked` means that it bears the mark of ours (protocol, priority, permanence). `nexthop-id`: an id of our range is
 * another program's now. `link`, `address`, `sysctl`: about a device; an address is absent if it is of a kind that we
 * never have. `port`: a device became a port of a CNI bridge, or a port went. `nftables`: something in our tables.
 * `docker`: something in Docker's chain. `lost`: events may be missing, anything can have changed.
 */
export type KernelEvent =
  | {
      readonly type: 'entry';
      /** As it is now, or as it was when it went. */
      readonly object: KernelEntry;
      readonly gone: boolean;
      readonly marked: boolean;
    }
  | { readonly type: 'nexthop-id'; readonly id: number }
  | {
      readonly type: 'link';
      readonly device: string;
      readonly change: LinkChange;
      /** By which a device of ours is known that somebody renamed, of which nothing else is told; absent if it has none. */
      readonly mac?: MacAddress;
    }
  | {
      readonly type: 'address';
      readonly device: string;
      readonly address?: InterfaceAddress;
      readonly gone: boolean;
    }
  | { readonly type: 'sysctl'; readonly device: string }
  | { readonly type: 'port'; readonly device: string; readonly bridge: string }
  | { readonly type: 'nftables' }
  | { readonly type: 'docker' }
  | { readonly type: 'lost' };

/** Watches one source of kernel events. */
export interface KernelWatch {
  /** For logs. */
  readonly name: string;
  /** Events as they come, those that came together as one batch, until the signal aborts or the source fails. */
  watch(signal: AbortSignal): AsyncIterable<readonly KernelEvent[]>;
}
