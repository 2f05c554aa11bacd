import type { Container } from '@overlay/contracts';
import { halfWord } from '../half-word.js';

/** A container for programs; an address of an absent family is absent. */
export function containerJson(container: Container) {
  return {
    container_id: container.containerId,
    interface: container.interface,
    network: container.network,
    half: halfWord(container.half),
    ...(container.ip === '' ? {} : { ip: container.ip }),
    ...(container.ip6 === '' ? {} : { ip6: container.ip6 }),
    agent_ip: container.agentIp,
    labels: container.labels,
  };
}
