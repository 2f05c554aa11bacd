import { type AgentNetwork, NetworkSpec, RegisterAgentResponse } from '@overlay/contracts';

/** An assigned IPv4 network for tests: block 9.N.0.0/24 of 9.N.0.0/16 in two halves. */
export function exampleNetwork(name: string, octet: number, isolated = false): AgentNetwork {
  return {
    networkId: `id-${name}`,
    network: NetworkSpec.create({ name, subnet: `9.${octet}.0.0/16`, prefix: 24, isolated }),
    subnet: `9.${octet}.0.0/24`,
    subnet6: '',
    routedPrefixes: [`9.${octet}.0.0/24`],
    cniBridge: { name: `m-${name}`, ip: `9.${octet}.0.0/25`, ip6: '' },
    dockerBridge: { name: `d-${name}`, ip: `9.${octet}.0.128/25`, ip6: '' },
    state: undefined,
  };
}

/** A registration of node `n1` with the given networks, for tests. */
export function exampleRegistration(networks: readonly AgentNetwork[]): RegisterAgentResponse {
  return RegisterAgentResponse.create({
    assignment: {
      nodeId: 'n1',
      ip: '10.0.0.1',
      vtep: {
        vni: 1024,
        name: 'vtep1024',
        ip: '44.128.0.1/20',
        ip6: '',
        mac: '70:b3:d5:80:00:01',
        mtu: 0,
      },
      networks: [...networks],
    },
    addressSpace: {
      vtepSubnet: '44.128.0.0/20',
      vtepSubnet6: '',
      vtepMacOui: '70:B3:D5:00:00:00',
      vtepMtu: 0,
    },
    networks: networks.map(({ networkId, network }) => ({
      id: networkId,
      spec: network,
      origin: 1,
      phase: 1,
    })),
    revision: 7n,
  });
}
