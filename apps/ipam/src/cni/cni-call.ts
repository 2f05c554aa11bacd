import type { IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { type NetworkName, parseNetworkName } from '@overlay/model';
import { checkLabels } from '../allocation/labels.js';
import {
  NETNS_MAX_BYTES,
  type Owner,
  parseContainerId,
  parseInterfaceName,
  quoted,
} from '../allocation/owner.js';
import type { ValidAttachment } from '../allocation/plan-collection.js';
import { parseReservationName, type ReservationName } from '../allocation/reservation.js';
import { parseCniArgs } from './cni-args.js';
import {
  type AddConfig,
  decodeCniConfig,
  parseAddConfig,
  parseCheckConfig,
  parseGcConfig,
  readNetworkName,
} from './cni-config.js';
import { type CniErrorObject, type CniStage, cniErrorOf } from './cni-error.js';
import { type CniVersion, isSince, parseCniVersion } from './cni-version.js';

/** The environment of a plugin: its `CNI_*` variables. */
export type CniEnvironment = Readonly<Record<string, string | undefined>>;

interface NetworkCall {
  readonly version: CniVersion;
  readonly network: NetworkName;
}

interface Attachment extends NetworkCall {
  readonly owner: Owner;
}

/** What the plugin is asked for. */
export type CniCall =
  | { readonly command: 'VERSION'; readonly version: CniVersion }
  | (Attachment & {
      readonly command: 'ADD';
      readonly networkNamespace: string;
      readonly requestedIps: readonly IpAddress[];
      readonly reservation?: ReservationName;
      readonly labels: Readonly<Record<string, string>>;
    })
  | (Attachment & { readonly command: 'CHECK'; readonly previousAddresses: readonly string[] | undefined })
  | (Omit<Attachment, 'network'> & {
      readonly command: 'DEL';
      /** Undefined for a name that no overlay network can have: nobody holds anything there. */
      readonly network: NetworkName | undefined;
    })
  | (NetworkCall & { readonly command: 'GC'; readonly validAttachments: readonly ValidAttachment[] })
  | (NetworkCall & { readonly command: 'STATUS' });

/** A call that was read, or the error object that answers it. */
export type CniReading =
  | { readonly ok: true; readonly call: CniCall }
  | { readonly ok: false; readonly error: CniErrorObject };

const COMMANDS = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const;
type CniCommand = (typeof COMMANDS)[number];

const REQUIRED: Readonly<Record<CniCommand, readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  GC: [],
  STATUS: [],
  VERSION: [],
};

/** The version that brought a verb; the others were always there. */
const SINCE: Readonly<Partial<Record<CniCommand, CniVersion>>> = {
  CHECK: '0.4.0',
  GC: '1.1.0',
  STATUS: '1.1.0',
};

/** The label, or pair of `CNI_ARGS`, that names the reservation whose addresses are wanted. */
const RESERVATION_LABEL = 'OVERLAY_RESERVATION';

/**
 * Reads a call from the plugin's environment and standard input. Total: whatever is wrong becomes an error
 * object, with code 4 for the environment, 6 for what is no JSON, 1 for the version, 7 for the configuration.
 */
export function parseCniCall(environment: CniEnvironment, stdin: string): CniReading {
  let stage: CniStage = 'environment';
  let version: CniVersion | undefined;
  try {
    const command = parseCommand(environment);
    stage = 'decoding';
    const decoded = decodeCniConfig(stdin);
    stage = 'version';
    version = parseCniVersion(decoded.cniVersion);
    requireVersion(command, version);
    if (command === 'VERSION') return { ok: true, call: { command, version } };
    stage = 'environment';
    requireVariables(command, environment);
    if (command === 'GC' || command === 'STATUS') {
      stage = 'configuration';
      if (command === 'GC') return { ok: true, call: { command, version, ...parseGcConfig(decoded) } };
      return { ok: true, call: { command, version, network: parseNetworkName(readNetworkName(decoded)) } };
    }
    const owner = {
      containerId: parseContainerId(environment.CNI_CONTAINERID ?? ''),
      interface: parseInterfaceName(environment.CNI_IFNAME ?? ''),
    };
    stage = 'configuration';
    if (command === 'DEL') {
      const network = possibleNetwork(readNetworkName(decoded));
      return { ok: true, call: { command, version, owner, network } };
    }
    if (command === 'CHECK') {
      return { ok: true, call: { command, version, owner, ...parseCheckConfig(decoded) } };
    }
    const config = parseAddConfig(decoded);
    stage = 'environment';
    const { network } = config;
    return { ok: true, call: { command, version, network, owner, ...wishes(environment, config) } };
  } catch (thrown) {
    return { ok: false, error: cniErrorOf(thrown, stage, version) };
  }
}

function parseCommand(environment: CniEnvironment): CniCommand {
  const text = environment.CNI_COMMAND ?? '';
  const command = COMMANDS.find((candidate) => candidate === text);
  if (command !== undefined) return command;
  const message = `CNI_COMMAND ${quoted(text)} is not known; known are ${COMMANDS.join(', ')}`;
  throw new OverlayError('invalid_argument', message);
}

function requireVersion(command: CniCommand, version: CniVersion): void {
  const since = SINCE[command];
  if (since === undefined || isSince(version, since)) return;
  const message = `${command} exists since CNI ${since}, the configuration says ${version}`;
  throw new OverlayError('invalid_argument', message);
}

function possibleNetwork(name: string): NetworkName | undefined {
  try {
    return parseNetworkName(name);
  } catch {
    return undefined;
  }
}

function requireVariables(command: CniCommand, environment: CniEnvironment): void {
  const missing = REQUIRED[command].filter((name) => (environment[name] ?? '') === '');
  if (missing.length === 0) return;
  throw new OverlayError('invalid_argument', `${command} needs ${missing.join(', ')} in the environment`);
}

function wishes(environment: CniEnvironment, config: AddConfig) {
  const networkNamespace = environment.CNI_NETNS ?? '';
  if (Buffer.byteLength(networkNamespace) > NETNS_MAX_BYTES) {
    throw new OverlayError('invalid_argument', `CNI_NETNS has more than ${NETNS_MAX_BYTES} bytes`);
  }
  const args = parseCniArgs(environment.CNI_ARGS ?? '');
  const labels = checkLabels({ ...config.labels, ...args.labels });
  const name = labels[RESERVATION_LABEL];
  return {
    networkNamespace,
    requestedIps: [...new Set([...config.requestedIps, ...args.requestedIps])],
    ...(name === undefined ? {} : { reservation: parseReservationName(name) }),
    labels,
  };
}
