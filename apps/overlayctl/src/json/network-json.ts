import { type Network, NetworkOrigin, NetworkPhase } from '@overlay/contracts';
import type { NetworkAgent } from '../network-agents.js';
import { statusWord } from '../status-word.js';

/** A network for programs; what is unset is absent. */
export function networkJson({ id, spec, origin, phase }: Network) {
  return {
    id,
    name: spec?.name ?? '',
    ...(spec === undefined || spec.subnet === '' ? {} : { subnet: spec.subnet, prefix: spec.prefix }),
    ...(spec === undefined || spec.subnet6 === '' ? {} : { subnet6: spec.subnet6, prefix6: spec.prefix6 }),
    enabled: spec?.disabled !== true,
    isolated: spec?.isolated === true,
    origin: origin === NetworkOrigin.RUNTIME ? 'runtime' : 'configuration',
    phase: phase === NetworkPhase.DELETING ? 'deleting' : 'active',
  };
}

/** What an agent has of a network, for programs. */
export function networkAgentJson({ ip, connected, network }: NetworkAgent) {
  const error = network.state?.error ?? '';
  return {
    ip,
    connected,
    ...(network.subnet === '' ? {} : { subnet: network.subnet }),
    ...(network.subnet6 === '' ? {} : { subnet6: network.subnet6 }),
    status: statusWord(network.state),
    ...(error === '' ? {} : { error }),
  };
}
