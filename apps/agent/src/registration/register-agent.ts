import { toOverlayError } from '@overlay/failure';
import type { MasterAddress } from '@overlay/model';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentMetrics } from '../agent-metrics.js';
import type { AgentState } from '../agent-state.js';
import { resolveUnderlayAddress } from '../identity/underlay-address.js';
import type { AssignmentFile } from './assignment-file.js';
import type { MasterLink } from './master-link.js';
import { sameRegistration } from './same-registration.js';

/**
 * Registers the node with a master and takes the assignment over: on disk first, then in force. An assignment
 * that asks the same as the one in force changes nothing.
 * @throws OverlayError as the master answers, or if the underlay address is not known.
 */
export async function registerAgent(
  deps: LoopDeps,
  state: AgentState,
  metrics: AgentMetrics,
  file: AssignmentFile,
  master: { readonly address: MasterAddress; readonly link: MasterLink; readonly session: string },
  signal: AbortSignal,
): Promise<void> {
  const { config, hostName, logger, nodeId, routeSource } = deps;
  const ip = await resolveUnderlayAddress(config.ip, master.address, routeSource);
  const { allocateSubnet, mesosBridge, dockerBridge } = config.network;
  const networkConfig = { allocateSubnet, mesosBridge, dockerBridge };
  const attributes = { hostname: hostName };
  const { session } = master;
  const registration = await master.link.register({ nodeId, ip, networkConfig, attributes, session }, signal);
  const inForce = state.received;
  if (inForce !== undefined && sameRegistration(inForce, registration)) return;
  try {
    await file.write(registration);
  } catch (thrown) {
    // A full disk must not keep the host from its network; the next reboot without masters would miss this.
    metrics.updateFailures.inc();
    const reason = toOverlayError(thrown).message;
    logger.error({ event: 'assignment_not_stored', path: file.path, reason });
  }
  const networks = registration.assignment?.networks.map(({ network }) => network?.name ?? '');
  logger.info({ event: 'assigned', ip, vtep: registration.assignment?.vtep?.ip, networks });
  state.setRegistration(registration);
}
