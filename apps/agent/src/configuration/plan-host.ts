import type { ApplyHostRequest, RegisterAgentResponse } from '@overlay/contracts';
import type { AgentConfig } from '@overlay/model';

/** What overlay-dataplane is told of this host. A gateway has no bridges to configure. */
export function planHost(
  registration: RegisterAgentResponse,
  settings: AgentConfig['network'],
): ApplyHostRequest {
  return {
    assignment: registration.assignment,
    addressSpace: registration.addressSpace,
    networks: registration.networks,
    overlayMtu: settings.overlayMtuBytes,
    configureCniBridges: settings.allocateSubnet && settings.mesosBridge,
    configureDockerBridges: settings.allocateSubnet && settings.dockerBridge,
    enableIpv6: settings.enableIpv6,
    commandTimeoutMs: settings.commandTimeoutMs,
  };
}
