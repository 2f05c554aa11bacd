import type { AgentView, NetworkView, Status } from './state/cluster-view.js';

/** For specs: the network `dcos`, a block of 256 addresses per agent. */
export const SAMPLE_NETWORK: NetworkView = {
  name: 'dcos',
  subnet: '9.0.0.0/8',
  prefix: 24,
  subnet6: '',
  prefix6: 0,
  enabled: true,
  isolated: false,
};

/** For specs: an agent that has the block number `index` of `dcos`, 0 to 65,535. */
export function sampleAgent(index: number, status: Status = 'ok', error = ''): AgentView {
  const high = Math.floor(index / 256);
  const low = index % 256;
  return {
    ip: `10.0.${high}.${low}`,
    vtepIps: [`44.128.${high}.${low}/12`],
    vtepMac: '70:b3:d5:80:00:01',
    networks: [{ name: 'dcos', subnet: `9.${high}.${low}.0/24`, subnet6: '', bridges: [], status, error }],
  };
}
