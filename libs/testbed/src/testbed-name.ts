import { OverlayError } from '@overlay/failure';

/** The name of a testbed: it carries the owner's pid, so that anyone can tell whether the owner still lives. */
export interface TestbedName {
  readonly pid: number;
  /** The slot 1 to 254 of the machine that the testbed holds; it numbers the underlay's addresses. */
  readonly slot: number;
}

const NAME = /^ov([1-9][0-9]*)-([1-9][0-9]{0,2})(?:-.+|m)?$/;

/** The prefix of everything that belongs to a testbed: namespaces, links, folders, the mark on processes. */
export function formatTestbedName(name: TestbedName): string {
  return `ov${name.pid}-${name.slot}`;
}

/** Reads the testbed out of the name of a namespace, link or folder, `undefined` if it is none of ours. */
export function parseTestbedName(text: string): TestbedName | undefined {
  const match = NAME.exec(text);
  return match === null ? undefined : { pid: Number(match[1]), slot: Number(match[2]) };
}

/** The full name of the namespace that a testbed calls `label` (`h1`, `outside`, `h1-c2`). */
export function namespaceName(testbed: string, label: string): string {
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(label)) {
    throw new OverlayError(
      'invalid_argument',
      `"${label}" cannot name a namespace: lower case, digits and dashes only`,
    );
  }
  return `${testbed}-${label}`;
}

/** The root namespace's end of the link into the underlay: at most 15 characters for any 7-digit pid. */
export function rootLinkName(testbed: string): string {
  return `${testbed}m`;
}
