import {
  addressToInteger,
  type IpAddress,
  integerToMac,
  type MacAddress,
  macToInteger,
} from '@overlay/allocation';

/** VXLAN network identifier of the overlay (RFC 7348), the same on every host. */
export const VTEP_VNI = 1024;

/** Name of the VXLAN device on every host. */
export const VTEP_DEVICE = 'vtep1024';

/** UDP port that encapsulated packets are sent to, as in DC/OS (not IANA's 4789, so that both can live on one host). */
export const VTEP_UDP_PORT = 64_000;

/**
 * The MAC address of a VTEP: the OUI followed by the low 24 bits of its IPv4 address (in the manner of
 * RFC 7042 section 2.1), for example 70:b3:d5:00:00:00 and 44.128.0.2 → 70:b3:d5:80:00:02. Unique within a
 * VTEP subnet of length 8 or more.
 */
export function vtepMac(oui: MacAddress, vtepIp: IpAddress): MacAddress {
  return integerToMac(macToInteger(oui) + Number(addressToInteger(vtepIp) & 0xff_ffffn));
}
