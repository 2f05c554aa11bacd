import {
  type Agent,
  type AgentNetwork,
  type Network,
  NetworkOrigin,
  NetworkPhase,
  type NetworkSpec,
  type NetworkStatus,
} from '@overlay/contracts';

const DCOS: NetworkSpec = {
  name: 'dcos',
  subnet: '9.0.0.0/8',
  prefix: 24,
  subnet6: '',
  prefix6: 0,
  disabled: false,
  isolated: false,
};

/** For specs: the network `dcos`. */
export const SAMPLE_NETWORK: Network = {
  id: 'n1',
  spec: DCOS,
  origin: NetworkOrigin.CONFIGURATION,
  phase: NetworkPhase.ACTIVE,
};

/** For specs: the agent number `index`, 1 to 9, in `dcos`. */
export function sampleAgent(index: number, status: NetworkStatus, error = '', connected = true): Agent {
  const block = `9.0.${index}`;
  const network: AgentNetwork = {
    networkId: 'n1',
    network: DCOS,
    subnet: `${block}.0/24`,
    subnet6: '',
    routedPrefixes: [`${block}.0/24`],
    cniBridge: { name: 'm-dcos', ip: `${block}.0/25`, ip6: '' },
    dockerBridge: { name: 'd-dcos', ip: `${block}.128/25`, ip6: '' },
    state: { status, error },
  };
  const vtep = {
    vni: 1024,
    name: 'vtep1024',
    ip: `44.128.0.${index}/20`,
    ip6: '',
    mac: `70:b3:d5:80:00:0${index}`,
    mtu: 0,
  };
  const assignment = { nodeId: `node-${index}`, ip: `10.0.0.${index}`, vtep, networks: [network] };
  return { assignment, connected, lastReportMs: BigInt(index) * 1_000n };
}
