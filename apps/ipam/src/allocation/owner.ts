import { OverlayError } from '@overlay/failure';

declare const containerIdBrand: unique symbol;
declare const interfaceNameBrand: unique symbol;

/** The runtime's container id, or a name that a framework chose: see {@link parseContainerId}. */
export type ContainerId = string & { readonly [containerIdBrand]: true };

/** Name of an interface inside a container: see {@link parseInterfaceName}. */
export type InterfaceName = string & { readonly [interfaceNameBrand]: true };

/** Who holds addresses: one interface of one container. */
export interface Owner {
  readonly containerId: ContainerId;
  readonly interface: InterfaceName;
}

/** Most bytes that the path of a network namespace may have (the kernel's PATH_MAX). */
export const NETNS_MAX_BYTES = 4096;

const CONTAINER_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;
const INTERFACE_NAME = /^[!-.0-9;-~]{1,15}$/;
const SHOWN_CHARACTERS = 64;

/**
 * Parses a container id: 1 to 255 characters of `[A-Za-z0-9_.-]`, the first a letter or digit (CNI
 * specification, section 2; the length is ours).
 * @throws OverlayError `invalid_argument` that quotes the text.
 */
export function parseContainerId(text: string): ContainerId {
  if (!CONTAINER_ID.test(text)) {
    const rule = '1 to 255 characters of A-Z a-z 0-9 _ . -, the first a letter or digit';
    throw new OverlayError('invalid_argument', `${quoted(text)} is no container id: ${rule}`);
  }
  return text as ContainerId;
}

/**
 * Parses an interface name: 1 to 15 printable ASCII characters (IFNAMSIZ), not `.` or `..`, without `/`, `:` and
 * white space (CNI specification, section 2; the kernel's dev_valid_name).
 * @throws OverlayError `invalid_argument` that quotes the text.
 */
export function parseInterfaceName(text: string): InterfaceName {
  if (!INTERFACE_NAME.test(text) || text === '.' || text === '..') {
    const rule = '1 to 15 printable ASCII characters, not "." or "..", without "/", ":" and white space';
    throw new OverlayError('invalid_argument', `${quoted(text)} is no interface name: ${rule}`);
  }
  return text as InterfaceName;
}

/** Text from outside as it may stand in a message: quoted, escaped and cut to a readable length. */
export function quoted(text: string): string {
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return JSON.stringify(shown);
}
