/** One network of one agent as the state JSON shows it (DC/OS's field names; fields absent when unset). */
export interface AgentOverlayState {
  readonly info: {
    readonly name: string;
    readonly subnet?: string;
    readonly prefix?: number;
    readonly subnet6?: string;
    readonly prefix6?: number;
  };
  readonly subnet?: string;
  readonly subnet6?: string;
  readonly mesos_bridge?: BridgeState;
  readonly docker_bridge?: BridgeState;
  readonly backend?: { readonly vxlan: VxlanState };
  readonly state?: { readonly status: string; readonly error?: string };
}

/** A bridge: its name and its half of the block. */
export interface BridgeState {
  readonly name: string;
  readonly ip?: string;
  readonly ip6?: string;
}

/** A VTEP. */
export interface VxlanState {
  readonly vni: number;
  readonly vtep_name: string;
  readonly vtep_ip: string;
  readonly vtep_ip6?: string;
  readonly vtep_mac: string;
  readonly vtep_mtu?: number;
}

/** One agent of the state JSON. */
export interface AgentState {
  readonly ip: string;
  readonly overlays?: readonly AgentOverlayState[];
}

/** `GET /overlay-master/state`. */
export interface MasterState {
  readonly network: { readonly overlays?: readonly { readonly name: string }[] };
  readonly agents?: readonly AgentState[];
}

/** What is not yet as it should be: one line for each missing agent and each network that is not STATUS_OK. */
export function listUnsettled(
  state: MasterState,
  agents: readonly string[],
  networks: readonly string[],
): readonly string[] {
  return agents.flatMap((ip) => {
    const agent = state.agents?.find((candidate) => candidate.ip === ip);
    if (agent === undefined) return [`agent ${ip} is not registered`];
    return networks.flatMap((name) => {
      const overlay = agent.overlays?.find((candidate) => candidate.info.name === name);
      if (overlay === undefined) return [`agent ${ip} has no network ${name}`];
      const status = overlay.state?.status ?? 'no status yet';
      const error = overlay.state?.error === undefined ? '' : ` (${overlay.state.error})`;
      return status === 'STATUS_OK' ? [] : [`network ${name} on agent ${ip}: ${status}${error}`];
    });
  });
}
