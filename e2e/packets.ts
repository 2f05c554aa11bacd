/** One frame that crossed the underlay, as tcpdump printed it. */
export interface UnderlayPacket {
  /** tcpdump's line. */
  readonly text: string;
  /** Source and destination of the IPv4 or IPv6 header; absent for ARP. */
  readonly source?: string;
  readonly destination?: string;
  /** Destination port of UDP or TCP. */
  readonly port?: number;
  /** The frame inside a VXLAN datagram. */
  readonly inner?: InnerFrame;
}

/** The frame inside a VXLAN datagram. */
export interface InnerFrame {
  readonly destinationMac: string;
  /** Length of the whole frame, Ethernet header included. */
  readonly lengthBytes: number;
}

const ETHERNET_HEADER_BYTES = 14;
const ADDRESSES = /length \d+: (?:\([^)]*\) )?([0-9a-f.:]+) > ([0-9a-f.:]+): /;
const INNER =
  /VXLAN, .*?vni \d+ ([0-9a-f:]{17}) > ([0-9a-f:]{17}), ethertype \S+ \(0x[0-9a-f]+\), length (\d+): /;

/** Reads a line of `tcpdump -nn -e -T vxlan`. */
export function parsePacket(text: string): UnderlayPacket {
  const [outer = text] = text.split(' VXLAN, ');
  const [, from, to] = ADDRESSES.exec(outer.endsWith(':') ? `${outer} ` : outer) ?? [];
  const [, , destinationMac, length] = INNER.exec(text) ?? [];
  const isIpv6 = outer.includes('ethertype IPv6');
  return {
    text,
    ...(from === undefined ? {} : { source: split(from, isIpv6).address }),
    ...(to === undefined ? {} : { destination: split(to, isIpv6).address }),
    ...(to === undefined || split(to, isIpv6).port === undefined
      ? {}
      : { port: Number(split(to, isIpv6).port) }),
    ...(destinationMac === undefined ? {} : { inner: { destinationMac, lengthBytes: Number(length) } }),
  };
}

/** True for a group address, broadcast included (IEEE 802: the lowest bit of the first byte). */
export function isGroupMac(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** The size of the IP packet inside; an MTU bounds it. */
export function innerPacketBytes(inner: InnerFrame): number {
  return inner.lengthBytes - ETHERNET_HEADER_BYTES;
}

/** tcpdump writes `ADDRESS.PORT`. */
function split(text: string, isIpv6: boolean): { readonly address: string; readonly port?: string } {
  const parts = text.split('.');
  const hasPort = isIpv6 ? parts.length === 2 : parts.length === 5;
  if (!hasPort) return { address: text };
  const port = parts.pop();
  return { address: parts.join('.'), ...(port === undefined ? {} : { port }) };
}
