import type { AgentNetwork } from '@overlay/contracts';
import type { AgentConfig } from '@overlay/model';

/** What of the agent's configuration decides about halves. */
export type HalfSettings = Pick<AgentConfig['network'], 'allocateSubnet' | 'mesosBridge' | 'enableIpv6'>;

/** The CNI half as this host configures it; '' for a family without. */
export interface CniHalf {
  readonly subnet: string;
  readonly subnet6: string;
}

/**
 * The network's CNI half on this host; undefined if it has none or does not want one. A half whose bridge was
 * switched off later stays allocated, unconfigured.
 */
export function cniHalfOf(network: AgentNetwork, settings: HalfSettings): CniHalf | undefined {
  const { cniBridge } = network;
  if (!settings.allocateSubnet || !settings.mesosBridge || cniBridge === undefined) return undefined;
  const half = { subnet: cniBridge.ip, subnet6: settings.enableIpv6 ? cniBridge.ip6 : '' };
  return half.subnet === '' && half.subnet6 === '' ? undefined : half;
}

/**
 * Why the master could give this host no block of a network that it wants; undefined if it could.
 */
export function missingBlock(
  network: AgentNetwork,
  settings: Pick<AgentConfig['network'], 'allocateSubnet' | 'mesosBridge' | 'dockerBridge'>,
): string | undefined {
  const spec = network.network;
  const wanted = settings.allocateSubnet && (settings.mesosBridge || settings.dockerBridge);
  if (!wanted || spec === undefined || spec.disabled) return undefined;
  const missing = [
    ...(spec.subnet !== '' && network.subnet === '' ? [`/${spec.prefix} of ${spec.subnet}`] : []),
    ...(spec.subnet6 !== '' && network.subnet6 === '' ? [`/${spec.prefix6} of ${spec.subnet6}`] : []),
  ];
  if (missing.length === 0) return undefined;
  const told = network.state?.error ?? '';
  return told === '' ? `network ${spec.name}: the master has no ${missing.join(' and no ')} left` : told;
}
