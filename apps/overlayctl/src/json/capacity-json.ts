import type { Capacity } from '@overlay/contracts';
import { halfWord } from '../half-word.js';

/** Capacity for programs. Counts are decimal strings, as in protobuf's JSON: an IPv6 half holds more than 2^53. */
export function capacityJson(capacity: Capacity) {
  return {
    ...(capacity.agentIp === '' ? {} : { agent_ip: capacity.agentIp }),
    network: capacity.network,
    half: halfWord(capacity.half),
    family: capacity.family,
    total: String(capacity.total),
    used: String(capacity.used),
    reserved: String(capacity.reserved),
    cooling: String(capacity.cooling),
    free: String(capacity.free),
    largest_burst: String(capacity.largestBurst),
    ...(capacity.exhaustedSinceMs === 0n ? {} : { exhausted_since_ms: Number(capacity.exhaustedSinceMs) }),
    ...(capacity.silent ? { silent: true } : {}),
  };
}
