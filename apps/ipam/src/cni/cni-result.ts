import { familyOf, type IpFamily, interfaceIp } from '@overlay/allocation';
import type { AllocationRecord, HeldAddress } from '../allocation/records.js';
import { CNI_VERSIONS, type CniVersion, isSince } from './cni-version.js';

const DEFAULT_ROUTE: Readonly<Record<IpFamily, string>> = { 4: '0.0.0.0/0', 6: '::/0' };

/**
 * The result of ADD in the shape of the caller's version: `ip4` and `ip6` until 0.2.0, `ips` with their
 * `version` until 0.4.0, `ips` without it since. As an IPAM plugin's result it has no `interfaces`.
 */
export function renderAddResult(
  version: CniVersion,
  record: AllocationRecord,
): Readonly<Record<string, unknown>> {
  if (!isSince(version, '0.3.0')) return { cniVersion: version, ...earlyAddresses(record), dns: {} };
  const ips = record.addresses.map((held) => ({
    ...(isSince(version, '1.0.0') ? {} : { version: String(heldFamily(held)) }),
    address: held.address,
    gateway: held.gateway,
  }));
  const routes = record.addresses.map((held) => ({ dst: DEFAULT_ROUTE[heldFamily(held)] }));
  return { cniVersion: version, ips, routes, dns: {} };
}

/** The result of VERSION. */
export function renderVersionResult(version: CniVersion): Readonly<Record<string, unknown>> {
  return { cniVersion: version, supportedVersions: CNI_VERSIONS };
}

function earlyAddresses(record: AllocationRecord): Readonly<Record<string, unknown>> {
  const entries = record.addresses.map((held) => {
    const family = heldFamily(held);
    const entry = { ip: held.address, gateway: held.gateway, routes: [{ dst: DEFAULT_ROUTE[family] }] };
    return [`ip${family}`, entry] as const;
  });
  return Object.fromEntries(entries);
}

function heldFamily(held: HeldAddress): IpFamily {
  return familyOf(interfaceIp(held.address));
}
