/** First engine that drops traffic to unpublished container addresses, and that makes networks without IPv4. */
const STRICT_SINCE = 28;

/** What of an engine decides about its networks. */
export interface EngineFeatures {
  /** Whether a bridge network has to ask for `nat-unprotected` gateways to be reachable from other hosts. */
  readonly gatewayModes: boolean;
  /** Whether a network can do without IPv4 (`docker network create --ipv4=false`). */
  readonly ipv6Only: boolean;
}

/**
 * What an engine can do, by its version as it tells it (`20.10.24+dfsg1`, `28.0.1`). Options that older engines
 * would reject or ignore are not used there. A version that cannot be read is taken for a new one: these are
 * builds of the development branch.
 */
export function engineFeatures(version: string): EngineFeatures {
  const major = Number.parseInt(version, 10);
  const strict = Number.isNaN(major) || major === 0 || major >= STRICT_SINCE;
  return { gatewayModes: strict, ipv6Only: strict };
}
