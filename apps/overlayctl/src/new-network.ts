import type { NetworkSpec } from '@overlay/contracts';
import { type FieldViolation, isFailure, OverlayError } from '@overlay/failure';
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
    throw OverlayError.invalid(asOptions(violations), 'command');
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
 * something in the cluster that it cannot stand beside. It names the options, too. Everything else passes unchanged.
 */
export function refusalOfCluster(thrown: unknown): unknown {
  if (!isFailure(thrown, 'invalid_argument')) return thrown;
  const violations = asOptions(thrown.violations);
  const message =
    violations.length === 0 ? thrown.message : OverlayError.invalid(violations, 'command').message;
  return new OverlayError('failed_precondition', message, { violations, cause: thrown });
}

/** The violations with the options in place of the fields, of which some stand in a request's `spec`. */
function asOptions(violations: readonly FieldViolation[]): readonly FieldViolation[] {
  return violations.map(({ field, description }) => ({ field: optionOf(field), description }));
}

function optionOf(path: string): string {
  const field = path.replace(/^spec\.?/, '');
  if (field === '') return 'network';
  return field === 'name' ? field : `--${field}`;
}
