/** A child as it shall be. */
export interface KeyedChild {
  /** Names it among its siblings. */
  readonly key: string;
  /** Everything that its look depends on. */
  readonly look: string;
  readonly build: () => Element;
}

/**
 * Keeps the children of an element as described, touching only what changed: an unchanged child stays as it is,
 * with the reader's selection and focus in it.
 */
export class KeyedChildren {
  readonly #parent: Element;
  readonly #lastFixed: Element | null;
  #present = new Map<string, { readonly look: string; readonly node: Element }>();

  /** @param parent what it holds already stays, in front of the keyed children; nobody else adds any later. */
  constructor(parent: Element) {
    this.#parent = parent;
    this.#lastFixed = parent.lastElementChild;
  }

  /** Makes the children as described, in this order. Of two with one key the later counts. */
  apply(children: readonly KeyedChild[]): void {
    const wanted = new Map(children.map((child) => [child.key, child]));
    const next = new Map<string, { readonly look: string; readonly node: Element }>();
    for (const [key, { look, build }] of wanted) {
      const old = this.#present.get(key);
      next.set(key, old?.look === look ? old : { look, node: build() });
    }
    for (const [key, { node }] of this.#present) if (next.get(key)?.node !== node) node.remove();
    let place =
      this.#lastFixed === null ? this.#parent.firstElementChild : this.#lastFixed.nextElementSibling;
    for (const { node } of next.values()) {
      if (node === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(node, place);
    }
    this.#present = next;
  }
}
