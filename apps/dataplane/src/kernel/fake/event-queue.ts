import { attributesOf, type KernelObject, keyOf } from '../kernel-object.js';
import type { KernelEvent } from '../kernel-watch.js';

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
      return { type: 'device', kind: 'link', device: object.name };
    case 'address':
      return { type: 'device', kind: 'address', device: object.device };
    case 'sysctl':
      return { type: 'device', kind: 'sysctl', device: /\/conf\/([^/]+)\//.exec(object.key)?.[1] ?? 'all' };
    case 'offload':
      return { type: 'device', kind: 'link', device: object.device };
    case 'port':
      return { type: 'port' };
    case 'docker-accept':
      return { type: 'docker' };
    case 'nftables':
      return { type: 'nftables' };
    default: {
      const attributes = gone ? undefined : attributesOf(object);
      const device = 'device' in object ? { device: object.device } : {};
      return { type: 'object', kind: object.kind, key: keyOf(object), attributes, marked: true, ...device };
    }
  }
}
