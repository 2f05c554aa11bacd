/** A network as DC/OS lists it under `overlays`; fields are absent when unset. */
export interface DcosOverlayInfo {
  readonly name: string;
  readonly subnet?: string;
  readonly prefix?: number;
  readonly subnet6?: string;
  readonly prefix6?: number;
  readonly enabled: boolean;
}

/** A bridge and the half that it carries; `ip` and `ip6` are the half's prefixes (`9.0.1.128/25`). */
export interface DcosBridge {
  readonly name: string;
  readonly ip?: string;
  readonly ip6?: string;
}

/** The tunnel endpoint; `vtep_ip` carries the VTEP subnet's length (`44.128.0.2/20`). */
export interface DcosVxlan {
  readonly vni: number;
  readonly vtep_name: string;
  readonly vtep_ip: string;
  readonly vtep_ip6?: string;
  readonly vtep_mac: string;
  readonly vtep_mtu?: number;
}

/** How a network stands on an agent, in DC/OS's words. */
export type DcosStatus = 'STATUS_INVALID' | 'STATUS_OK' | 'STATUS_FAILED' | 'STATUS_CONFIGURING';

/** One network on one agent. */
export interface DcosOverlay {
  readonly info: DcosOverlayInfo;
  readonly subnet?: string;
  readonly subnet6?: string;
  readonly mesos_bridge?: DcosBridge;
  readonly docker_bridge?: DcosBridge;
  readonly backend?: { readonly vxlan: DcosVxlan };
  readonly state?: { readonly status: DcosStatus; readonly error?: string };
}

/** One agent: an entry of `agents` in the master's state, and the heart of the agent's own. */
export interface DcosAgent {
  readonly ip: string;
  readonly overlays: readonly DcosOverlay[];
}

/** The `network` object of the master's state. */
export interface DcosNetworkInfo {
  readonly vtep_subnet: string;
  readonly vtep_subnet6?: string;
  readonly vtep_mac_oui: string;
  readonly vtep_mtu?: number;
  readonly overlays: readonly DcosOverlayInfo[];
}

/** A network's definition with '' and 0 for what is unset; `NetworkSpec` of the contracts has this shape. */
export interface StateNetwork {
  readonly name: string;
  readonly subnet: string;
  readonly prefix: number;
  readonly subnet6: string;
  readonly prefix6: number;
  readonly disabled: boolean;
}

/** A half on its bridge, '' for an absent family. */
export interface StateBridge {
  readonly name: string;
  readonly ip: string;
  readonly ip6: string;
}

/** What an agent is assigned; `Assignment` of the contracts has this shape. */
export interface StateAssignment {
  readonly ip: string;
  readonly vtep: StateVtep | undefined;
  readonly networks: readonly StateAgentNetwork[];
}

/** The tunnel endpoint, '' and 0 for what is unset. */
export interface StateVtep {
  readonly vni: number;
  readonly name: string;
  readonly ip: string;
  readonly ip6: string;
  readonly mac: string;
  readonly mtu: number;
}

/** One network of an assignment; the status numbers are DC/OS's: 0 invalid, 1 ok, 2 failed, 3 configuring. */
export interface StateAgentNetwork {
  readonly network: StateNetwork | undefined;
  readonly subnet: string;
  readonly subnet6: string;
  readonly cniBridge: StateBridge | undefined;
  readonly dockerBridge: StateBridge | undefined;
  readonly state: { readonly status: number; readonly error: string } | undefined;
}

/** The shared address space, '' and 0 for what is unset. */
export interface StateAddressSpace {
  readonly vtepSubnet: string;
  readonly vtepSubnet6: string;
  readonly vtepMacOui: string;
  readonly vtepMtu: number;
}

const STATUSES: Readonly<Record<number, DcosStatus>> = {
  1: 'STATUS_OK',
  2: 'STATUS_FAILED',
  3: 'STATUS_CONFIGURING',
};

/** Renders one agent with DC/OS's field names (mesos-overlay `AgentInfo`); a network without a definition is left out. */
export function renderDcosAgent(assignment: StateAssignment): DcosAgent {
  const { ip, vtep, networks } = assignment;
  const overlays = networks.flatMap((network) => {
    const spec = network.network;
    return spec === undefined ? [] : [renderOverlay(network, spec, vtep)];
  });
  return { ip, overlays };
}

/** Renders the `network` object of the master's state with DC/OS's field names (mesos-overlay `NetworkInfo`). */
export function renderDcosNetworkInfo(
  space: StateAddressSpace,
  networks: readonly StateNetwork[],
): DcosNetworkInfo {
  return {
    vtep_subnet: space.vtepSubnet,
    ...(space.vtepSubnet6 === '' ? {} : { vtep_subnet6: space.vtepSubnet6 }),
    vtep_mac_oui: space.vtepMacOui,
    ...(space.vtepMtu === 0 ? {} : { vtep_mtu: space.vtepMtu }),
    overlays: networks.map(renderDcosOverlayInfo),
  };
}

/** Renders a network's definition with DC/OS's field names (mesos-overlay `OverlayInfo`). */
export function renderDcosOverlayInfo(network: StateNetwork): DcosOverlayInfo {
  return {
    name: network.name,
    ...(network.subnet === '' ? {} : { subnet: network.subnet, prefix: network.prefix }),
    ...(network.subnet6 === '' ? {} : { subnet6: network.subnet6, prefix6: network.prefix6 }),
    enabled: !network.disabled,
  };
}

function renderOverlay(
  network: StateAgentNetwork,
  spec: StateNetwork,
  vtep: StateVtep | undefined,
): DcosOverlay {
  const { subnet, subnet6, cniBridge, dockerBridge, state } = network;
  return {
    info: renderDcosOverlayInfo(spec),
    ...(subnet === '' ? {} : { subnet }),
    ...(subnet6 === '' ? {} : { subnet6 }),
    ...(cniBridge === undefined ? {} : { mesos_bridge: renderBridge(cniBridge) }),
    ...(dockerBridge === undefined ? {} : { docker_bridge: renderBridge(dockerBridge) }),
    ...(vtep === undefined ? {} : { backend: { vxlan: renderVxlan(vtep) } }),
    ...(state === undefined ? {} : { state: renderState(state) }),
  };
}

function renderBridge(bridge: StateBridge): DcosBridge {
  return {
    name: bridge.name,
    ...(bridge.ip === '' ? {} : { ip: bridge.ip }),
    ...(bridge.ip6 === '' ? {} : { ip6: bridge.ip6 }),
  };
}

function renderVxlan(vtep: StateVtep): DcosVxlan {
  return {
    vni: vtep.vni,
    vtep_name: vtep.name,
    vtep_ip: vtep.ip,
    ...(vtep.ip6 === '' ? {} : { vtep_ip6: vtep.ip6 }),
    vtep_mac: vtep.mac,
    ...(vtep.mtu === 0 ? {} : { vtep_mtu: vtep.mtu }),
  };
}

function renderState(state: { readonly status: number; readonly error: string }) {
  const status = STATUSES[state.status] ?? 'STATUS_INVALID';
  return { status, ...(state.error === '' ? {} : { error: state.error }) };
}
