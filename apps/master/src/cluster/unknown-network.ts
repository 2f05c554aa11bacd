import { OverlayError } from '@overlay/failure';

/** The refusal of a name that no network has, naming those that there are. */
export function unknownNetwork(name: string, names: readonly string[]): OverlayError {
  const there = names.length === 0 ? 'there is none yet' : `there are: ${[...names].sort().join(', ')}`;
  return new OverlayError('not_found', `there is no network "${name}"; ${there}`);
}
