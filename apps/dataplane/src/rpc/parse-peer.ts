import {
  familyOf,
  type IpAddress,
  type IpFamily,
  parseCidr,
  parseIpAddress,
  parseMacAddress,
} from '@overlay/allocation';
import type { Peer } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { parseNetworkId, parseNodeId } from '@overlay/model';
import type { PeerDescription } from '../desired/peer-description.js';
import { FieldReader } from './field-reader.js';

/**
 * The peer that a message describes.
 * @throws OverlayError `invalid_argument` with a violation for every wrong field.
 */
export function parsePeer(peer: Peer): PeerDescription {
  const reader = new FieldReader();
  const nodeId = reader.read('peer.node_id', peer.nodeId, parseNodeId);
  const ip = reader.read('peer.ip', peer.ip, parseIpAddress);
  const vtepIp = reader.read('peer.vtep_ip', peer.vtepIp, (text) => addressOfFamily(text, 4));
  const vtepIp6 = reader.optional('peer.vtep_ip6', peer.vtepIp6, (text) => addressOfFamily(text, 6));
  const vtepMac = reader.read('peer.vtep_mac', peer.vtepMac, parseMacAddress);
  const prefixes = peer.prefixes.flatMap((entry, index) => {
    const networkId = reader.read(`peer.prefixes[${index}].network_id`, entry.networkId, parseNetworkId);
    const prefix = reader.read(`peer.prefixes[${index}].prefix`, entry.prefix, parseCidr);
    return networkId === undefined || prefix === undefined ? [] : [{ networkId, prefix }];
  });
  reader.finish();
  if (nodeId === undefined || ip === undefined || vtepIp === undefined || vtepMac === undefined)
    throw new OverlayError('internal', 'a wrong field of a peer had no violation');
  return { nodeId, ip, vtepIp, ...(vtepIp6 === undefined ? {} : { vtepIp6 }), vtepMac, prefixes };
}

function addressOfFamily(text: string, family: IpFamily): IpAddress {
  const address = parseIpAddress(text);
  if (familyOf(address) === family) return address;
  throw new OverlayError('invalid_argument', `"${text}" is no IPv${family} address`);
}
