import type { ProbeContainerResponse } from '@overlay/contracts';
import { printable } from './printable.js';

/** What a probe found, on one line: much of it is what the container said. */
export function renderProbe(
  { healthy, detail, durationMs }: ProbeContainerResponse,
  agentIp: string,
): string {
  return `${healthy ? 'healthy' : 'unhealthy'}: ${printable(detail)} (${durationMs} ms, from ${agentIp})`;
}
