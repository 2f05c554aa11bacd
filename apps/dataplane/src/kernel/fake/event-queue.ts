import type { KernelObject, Link } from '../kernel-object.js';
import type { KernelEvent, LinkChange } from '../kernel-watch.js';

/** Events between the kernel in memory and one that watches it. */
export class EventQueue {
  readonly #events: KernelEvent[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  push(event: KernelEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  /** No more events; {@link batches} ends. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *batches(): AsyncIterable<readonly KernelEvent[]> {
    while (!this.#ended) {
      if (this.#events.length > 0) yield this.#events.splice(0);
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

/** What the kernel tells about an object that came, changed or went. */
export function eventOf(object: KernelObject, gone: boolean): KernelEvent {
  switch (object.kind) {
    case 'link':
      return { type: 'link', device: object.name, change: linkChange(object, gone) };
    case 'address':
      return { type: 'address', device: object.device, address: object.address, gone };
    case 'sysctl':
      return { type: 'sysctl', device: /\/conf\/([^/]+)\//.exec(object.key)?.[1] ?? 'all' };
    case 'offload':
      return { type: 'link', device: object.device, change: 'up' };
    case 'port':
      return { type: 'port', device: object.device, bridge: object.bridge };
    case 'docker-accept':
      return { type: 'docker' };
    case 'nftables':
      return { type: 'nftables' };
    default:
      return { type: 'entry', object, gone, marked: true };
  }
}

function linkChange(link: Link, gone: boolean): LinkChange {
  if (gone) return 'gone';
  return link.type !== 'foreign' && !link.up ? 'down' : 'up';
}
