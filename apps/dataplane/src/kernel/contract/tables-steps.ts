import { EVERYTHING } from '../contract-objects.js';
import type { DockerChain, KernelObject } from '../kernel-object.js';
import type { ForeignRoute, KernelChange, KernelTables } from '../kernel-tables.js';

/** A namespace of its own for one test. */
export interface TablesUnderTest {
  readonly tables: KernelTables;
  /** A container runtime makes a pair and leaves the host's end without a bridge. */
  makeVeth(device: string): Promise<void>;
  /** Somebody gives a device another name. */
  rename(device: string, name: string): Promise<void>;
  /** Another program puts a route in front of ours. */
  addForeignRoute(route: ForeignRoute): Promise<void>;
  /** Docker makes its chains. */
  makeDockerChains(chains: readonly DockerChain[]): Promise<void>;
  close(): Promise<void>;
}

/** What calls of the contract may take. */
export const OPTIONS = { timeoutMs: 10_000 };

/** What a look at everything of the contract's objects is about. */
export const SCOPE = {
  vtep: 'vtep1024',
  devices: ['vtep1024', 'm-dcos'],
  sysctls: ['net/ipv4/ip_forward'],
};

/** Runs a test in a world of its own and closes that. */
export async function within(
  open: () => Promise<TablesUnderTest>,
  test: (tables: KernelTables, world: TablesUnderTest) => Promise<void>,
): Promise<void> {
  const opened = await open();
  try {
    await test(opened.tables, opened);
  } finally {
    await opened.close();
  }
}

/** Adds all objects of the contract. */
export function fill(tables: KernelTables): ReturnType<KernelTables['apply']> {
  return tables.apply(EVERYTHING.map(add), OPTIONS);
}

/** Everything that is there of ours. */
export async function read(tables: KernelTables): Promise<readonly KernelObject[]> {
  return (await tables.read(SCOPE, OPTIONS)).objects;
}

/** The change that adds an object. */
export function add(object: KernelObject): KernelChange {
  return { op: 'add', object };
}

/** The change that removes an object. */
export function remove(object: KernelObject): KernelChange {
  return { op: 'remove', object };
}

/** As text with the keys in order, and without white space in nftables content, which is not compared. */
export function sorted(objects: readonly KernelObject[]): readonly string[] {
  return objects
    .map((object) => JSON.stringify(Object.fromEntries(Object.entries(object).sort())))
    .map((text) => text.replaceAll(/(\\n|\\t|\s)+/g, ''))
    .sort();
}
