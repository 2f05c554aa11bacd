import type { NetworkSpec } from '@overlay/contracts';
import { isFailure, OverlayError } from '@overlay/failure';
import { checkNetworkAlone, readNetworkDefinition } from '@overlay/model';

/** What is typed behind the name of a new network. */
export interface NewNetworkFlags {
  readonly subnet?: string;
  readonly prefix?: number;
  readonly subnet6?: string;
  readonly prefix6?: number;
  readonly isolated?: boolean;
}

/**
 * The network that a command line describes.
 * @throws OverlayError `invalid_argument` that names every option that is wrong whatever the cluster has.
 */
export function readNewNetwork(name: string, flags: NewNetworkFlags): NetworkSpec {
  const reading = readNetworkDefinition({ name, ...flags }, '');
  const violations = reading.ok ? checkNetworkAlone(reading.value, '') : reading.violations;
  if (violations.length > 0) {
    const named = violations.map(({ field, description }) => ({ field: asTyped(field), description }));
    throw OverlayError.invalid(named, 'command');
  }
  return {
    name,
    subnet: flags.subnet ?? '',
    prefix: flags.prefix ?? 0,
    subnet6: flags.subnet6 ?? '',
    prefix6: flags.prefix6 ?? 0,
    disabled: false,
    isolated: flags.isolated ?? false,
  };
}

/**
 * What the master refuses of a network that {@link readNewNetwork} found right is no fault of the command line: there is
 * something in the cluster that it cannot stand beside. Everything else passes unchanged.
 */
export function refusalOfCluster(thrown: unknown): unknown {
  if (!isFailure(thrown, 'invalid_argument')) return thrown;
  return new OverlayError('failed_precondition', thrown.message, {
    violations: thrown.violations,
    cause: thrown,
  });
}

function asTyped(field: string): string {
  if (field === '') return 'network';
  return field === 'name' ? field : `--${field}`;
}
