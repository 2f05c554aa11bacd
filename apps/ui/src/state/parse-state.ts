import type { AgentNetworkView, AgentView, ClusterView, NetworkView, Status } from './cluster-view.js';

type Fields = Readonly<Record<string, unknown>>;

const STATUSES: Readonly<Record<string, Status>> = {
  STATUS_OK: 'ok',
  STATUS_CONFIGURING: 'configuring',
  STATUS_FAILED: 'failed',
};

/**
 * Reads the answer of `GET /overlay-master/state`. Total: whatever is absent or of another type is left out, so
 * that a state of another version, or one without its `network` object, still shows what it has.
 */
export function parseState(value: unknown): ClusterView {
  const { network, agents } = fields(value);
  const space = fields(network);
  return {
    vtepSubnets: texts(space.vtep_subnet, space.vtep_subnet6),
    networks: list(space.overlays).map(parseNetwork),
    agents: list(agents).map(parseAgent),
  };
}

function parseNetwork(value: unknown): NetworkView {
  const info = fields(value);
  return {
    name: text(info.name),
    subnet: text(info.subnet),
    prefix: count(info.prefix),
    subnet6: text(info.subnet6),
    prefix6: count(info.prefix6),
    enabled: info.enabled !== false,
    isolated: info.isolated === true,
  };
}

function parseAgent(value: unknown): AgentView {
  const agent = fields(value);
  const overlays = list(agent.overlays).map(fields);
  const vxlan = overlays
    .map(({ backend }) => fields(fields(backend).vxlan))
    .find((candidate) => text(candidate.vtep_mac) !== '');
  return {
    ip: text(agent.ip),
    vtepIps: vxlan === undefined ? [] : texts(vxlan.vtep_ip, vxlan.vtep_ip6),
    vtepMac: text(vxlan?.vtep_mac),
    networks: overlays.map(parseAgentNetwork),
  };
}

function parseAgentNetwork(overlay: Fields): AgentNetworkView {
  const { status, error } = fields(overlay.state);
  const bridges = [overlay.mesos_bridge, overlay.docker_bridge].map(fields);
  return {
    name: text(fields(overlay.info).name),
    subnet: text(overlay.subnet),
    subnet6: text(overlay.subnet6),
    bridges: bridges.map(({ name, ip, ip6 }) => texts(name, ip, ip6).join(' ')).filter((line) => line !== ''),
    status: STATUSES[text(status)] ?? 'unknown',
    error: text(error),
  };
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(...values: readonly unknown[]): readonly string[] {
  return values.map(text).filter((value) => value !== '');
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
