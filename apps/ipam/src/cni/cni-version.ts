import { OverlayError } from '@overlay/failure';

/** The versions of the CNI specification that the plugin speaks, oldest first. */
export const CNI_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

/** One of {@link CNI_VERSIONS}. */
export type CniVersion = (typeof CNI_VERSIONS)[number];

/** What errors are written in when the caller's version is not known: its error object has not changed since. */
export const ERROR_CNI_VERSION: CniVersion = '1.0.0';

/**
 * Parses a configuration's `cniVersion`; a missing one means 0.1.0 (CNI specification, section 1).
 * @throws OverlayError `invalid_argument` naming the versions that are spoken.
 */
export function parseCniVersion(value: unknown): CniVersion {
  if (value === undefined) return '0.1.0';
  const version = CNI_VERSIONS.find((candidate) => candidate === value);
  if (version !== undefined) return version;
  const shown = JSON.stringify(value).slice(0, 64);
  const message = `cniVersion ${shown} is not spoken; supported are ${CNI_VERSIONS.join(', ')}`;
  throw new OverlayError('invalid_argument', message);
}

/** True if `version` is at least `since`. */
export function isSince(version: CniVersion, since: CniVersion): boolean {
  return CNI_VERSIONS.indexOf(version) >= CNI_VERSIONS.indexOf(since);
}
