import { OverlayError } from '@overlay/failure';
import type { AgentOverlayState, AgentState, Host, MasterState, VxlanState } from '@overlay/testbed';

/** The agent of a host in the master's state. @throws OverlayError `not_found`. */
export function agentOf(state: MasterState, host: Host): AgentState {
  const agent = state.agents?.find(({ ip }) => ip === host.address.ipv4);
  if (agent === undefined) throw new OverlayError('not_found', `${host.label} is not in the master's state`);
  return agent;
}

/** One network of a host in the master's state. @throws OverlayError `not_found`. */
export function overlayOf(state: MasterState, host: Host, network: string): AgentOverlayState {
  const overlay = agentOf(state, host).overlays?.find(({ info }) => info.name === network);
  if (overlay === undefined) throw new OverlayError('not_found', `${host.label} has no network ${network}`);
  return overlay;
}

/** The tunnel endpoint of a host; the same in each of its networks. @throws OverlayError `not_found`. */
export function vtepOf(state: MasterState, host: Host): VxlanState {
  const vxlan = agentOf(state, host).overlays?.[0]?.backend?.vxlan;
  if (vxlan === undefined) throw new OverlayError('not_found', `${host.label} has no tunnel endpoint`);
  return vxlan;
}

/** `44.128.0.2` of `44.128.0.2/20`. */
export function withoutLength(cidr: string | undefined): string {
  return cidr?.split('/')[0] ?? '';
}

/** An agent's assignment alone: what must never change, without how it stands at the moment. */
export function assignmentOf(agent: AgentState): unknown {
  return { ip: agent.ip, overlays: agent.overlays?.map(({ state: _state, ...assigned }) => assigned) };
}

/** Everything of an assignment that only one agent may have. */
export function claimsOf(agent: AgentState): readonly string[] {
  const overlays = agent.overlays ?? [];
  const vxlan = overlays[0]?.backend?.vxlan;
  const own = [agent.ip, vxlan?.vtep_ip, vxlan?.vtep_ip6, vxlan?.vtep_mac];
  const blocks = overlays.flatMap(({ subnet, subnet6 }) => [subnet, subnet6]);
  return [...own, ...blocks].flatMap((claim) => (claim === undefined ? [] : [claim]));
}
