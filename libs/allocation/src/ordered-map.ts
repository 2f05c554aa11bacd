import type { Integer } from './integers.js';

/**
 * Entries of a node before it splits. Shifting this many elements is one cheap block move, and a hundred
 * thousand entries stand no deeper than four nodes.
 */
const NODE_CAPACITY = 64;

interface Leaf<K, V> {
  readonly kind: 'leaf';
  readonly keys: K[];
  readonly values: V[];
}

interface Branch<K, V> {
  readonly kind: 'branch';
  /** The highest key below each child, so that a search never has to step to a neighbour. */
  readonly keys: K[];
  readonly children: Node<K, V>[];
}

type Node<K, V> = Leaf<K, V> | Branch<K, V>;

/** Whole numbers, or strings in the order of their UTF-16 code units. One map never mixes them. */
type Key = Integer | string;

/** An entry of an {@link OrderedMap} as it was when it was read. */
export interface OrderedEntry<K, V> {
  readonly key: K;
  readonly value: V;
}

/**
 * A map in ascending key order: a B+ tree whose every operation is O(log n). Neighbouring nodes that fit
 * into half a node are merged, so memory falls with the number of entries.
 */
export class OrderedMap<K extends Key, V> {
  #root: Node<K, V> = leaf([], []);

  /** The entry with the lowest key. */
  lowest(): OrderedEntry<K, V> | undefined {
    let node = this.#root;
    while (node.kind === 'branch') {
      const child: Node<K, V> | undefined = node.children[0];
      if (child === undefined) return undefined;
      node = child;
    }
    return entryAt(node, 0);
  }

  /** The entry with the lowest key that is not below `key`. */
  ceiling(key: K): OrderedEntry<K, V> | undefined {
    let node = this.#root;
    while (node.kind === 'branch') {
      const child: Node<K, V> | undefined = node.children[lowerBound(node.keys, key)];
      if (child === undefined) return undefined;
      node = child;
    }
    return entryAt(node, lowerBound(node.keys, key));
  }

  /** The value of the key. */
  get(key: K): V | undefined {
    const entry = this.ceiling(key);
    return entry !== undefined && entry.key === key ? entry.value : undefined;
  }

  /** Adds the entry, or replaces the value of its key. */
  set(key: K, value: V): void {
    const left = this.#root;
    const right = put(left, key, value);
    if (right !== undefined) this.#root = branch([highest(left), highest(right)], [left, right]);
  }

  /** Removes the key; false if it is not there. */
  delete(key: K): boolean {
    const removed = drop(this.#root, key);
    const root = this.#root;
    const [only] = root.kind === 'branch' && root.children.length === 1 ? root.children : [];
    if (only !== undefined) this.#root = only;
    return removed;
  }

  /** Every entry in ascending order; the map must not change meanwhile. */
  entries(): Generator<OrderedEntry<K, V>> {
    return walk(this.#root);
  }

  /**
   * Every entry whose key is not below `key`, in ascending order; the map must not change meanwhile. The first costs
   * O(log n), each further one O(1).
   */
  entriesFrom(key: K): Generator<OrderedEntry<K, V>> {
    return walkFrom(this.#root, key);
  }

  /** Every entry in descending order; the map must not change meanwhile. */
  entriesDescending(): Generator<OrderedEntry<K, V>> {
    return walkBack(this.#root);
  }
}

function leaf<K, V>(keys: K[], values: V[]): Leaf<K, V> {
  return { kind: 'leaf', keys, values };
}

function branch<K, V>(keys: K[], children: Node<K, V>[]): Branch<K, V> {
  return { kind: 'branch', keys, children };
}

/** The index of the first key that is not below `key`; the length if there is none. */
function lowerBound<K extends Key>(keys: readonly K[], key: K): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const probe = keys[middle];
    if (probe !== undefined && probe < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function entryAt<K, V>(node: Leaf<K, V>, at: number): OrderedEntry<K, V> | undefined {
  const key = node.keys[at];
  return key === undefined ? undefined : { key, value: node.values[at] as V };
}

/** A node's highest key. No node but an empty root is without keys. */
function highest<K, V>(node: Node<K, V>): K {
  return node.keys[node.keys.length - 1] as K;
}

/** Array.prototype.splice costs several times as much on arrays this short, for it also builds a result. */
function insertAt<E>(array: E[], at: number, element: E): void {
  array.push(element);
  for (let to = array.length - 1; to > at; to -= 1) array[to] = array[to - 1] as E;
  array[at] = element;
}

function removeAt<E>(array: E[], at: number): void {
  for (let to = at; to < array.length - 1; to += 1) array[to] = array[to + 1] as E;
  array.pop();
}

/** Puts the entry below the node; answers the node's new right neighbour if it had to be split. */
function put<K extends Key, V>(node: Node<K, V>, key: K, value: V): Node<K, V> | undefined {
  const at = lowerBound(node.keys, key);
  if (node.kind === 'leaf') {
    if (node.keys[at] === key) {
      node.values[at] = value;
    } else {
      insertAt(node.keys, at, key);
      insertAt(node.values, at, value);
    }
  } else {
    putBelow(node, Math.min(at, node.children.length - 1), key, value);
  }
  return node.keys.length > NODE_CAPACITY ? split(node) : undefined;
}

function putBelow<K extends Key, V>(parent: Branch<K, V>, at: number, key: K, value: V): void {
  const child = parent.children[at];
  if (child === undefined) return;
  const right = put(child, key, value);
  parent.keys[at] = highest(child);
  if (right !== undefined) {
    insertAt(parent.keys, at + 1, highest(right));
    insertAt(parent.children, at + 1, right);
  }
}

/** Moves the upper half of the node into a new right neighbour. */
function split<K, V>(node: Node<K, V>): Node<K, V> {
  const half = node.keys.length >>> 1;
  const keys = node.keys.splice(half);
  return node.kind === 'leaf'
    ? leaf(keys, node.values.splice(half))
    : branch(keys, node.children.splice(half));
}

function drop<K extends Key, V>(node: Node<K, V>, key: K): boolean {
  const at = lowerBound(node.keys, key);
  if (node.kind === 'leaf') {
    if (node.keys[at] !== key) return false;
    removeAt(node.keys, at);
    removeAt(node.values, at);
    return true;
  }
  const child = node.children[at];
  if (child === undefined || !drop(child, key)) return false;
  if (child.keys.length === 0) {
    removeAt(node.keys, at);
    removeAt(node.children, at);
  } else {
    node.keys[at] = highest(child);
    if (!mergeWithNext(node, at)) mergeWithNext(node, at - 1);
  }
  return true;
}

/** Merges two neighbours that leave half of the room unused, so that the next insertion does not split again. */
function mergeWithNext<K, V>(parent: Branch<K, V>, at: number): boolean {
  const left = parent.children[at];
  const right = parent.children[at + 1];
  if (left === undefined || right === undefined) return false;
  if (left.keys.length + right.keys.length > NODE_CAPACITY / 2) return false;
  left.keys.push(...right.keys);
  if (left.kind === 'leaf' && right.kind === 'leaf') left.values.push(...right.values);
  if (left.kind === 'branch' && right.kind === 'branch') left.children.push(...right.children);
  parent.keys.splice(at, 2, highest(left));
  parent.children.splice(at + 1, 1);
  return true;
}

function* walk<K, V>(node: Node<K, V>): Generator<OrderedEntry<K, V>> {
  if (node.kind === 'branch') {
    for (const child of node.children) yield* walk(child);
    return;
  }
  for (const [at, key] of node.keys.entries()) yield { key, value: node.values[at] as V };
}

function* walkFrom<K extends Key, V>(node: Node<K, V>, key: K): Generator<OrderedEntry<K, V>> {
  const start = lowerBound(node.keys, key);
  if (node.kind === 'branch') {
    const first = node.children[start];
    if (first === undefined) return;
    yield* walkFrom(first, key);
    for (let at = start + 1; at < node.children.length; at += 1) yield* walk(node.children[at] as Node<K, V>);
    return;
  }
  for (let at = start; at < node.keys.length; at += 1) {
    const entry = entryAt(node, at);
    if (entry !== undefined) yield entry;
  }
}

function* walkBack<K, V>(node: Node<K, V>): Generator<OrderedEntry<K, V>> {
  if (node.kind === 'branch') {
    for (const child of node.children.toReversed()) yield* walkBack(child);
    return;
  }
  for (let at = node.keys.length - 1; at >= 0; at -= 1) {
    const entry = entryAt(node, at);
    if (entry !== undefined) yield entry;
  }
}
