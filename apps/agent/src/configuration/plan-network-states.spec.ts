import { describe, expect, it } from '@jest/globals';
import { Container, GetStatusResponse, NetworkStatus } from '@overlay/contracts';
import { exampleNetwork } from './example-registration.js';
import type { NetworkProgress } from './network-progress.js';
import { type DockerHalves, planNetworkStates } from './plan-network-states.js';

const network = exampleNetwork('dcos', 0);
const id = network.networkId;
const noDocker: DockerHalves = { wanted: new Set(), halves: new Map() };
const { OK, FAILED, CONFIGURING } = NetworkStatus;

function stateOf(progress: NetworkProgress | undefined, dataplane?: GetStatusResponse) {
  const known = new Map(progress === undefined ? [] : [[id, progress]]);
  return planNetworkStates([network], known, { dataplane, docker: noDocker, stranded: [] }).get(id);
}

describe('planNetworkStates', () => {
  it.each<[NetworkProgress | undefined, NetworkStatus, string]>([
    [undefined, CONFIGURING, ''],
    [{ kind: 'pending' }, CONFIGURING, ''],
    [{ kind: 'waiting', reason: 'waiting for x' }, CONFIGURING, 'waiting for x'],
    [{ kind: 'retrying', error: 'no', failures: 1 }, CONFIGURING, 'no'],
    [{ kind: 'configured' }, OK, ''],
    [{ kind: 'failed', error: 'no' }, FAILED, 'no'],
  ])('renders %j', (progress, status, error) => {
    expect(stateOf(progress)).toStrictEqual({ status, error });
  });

  it('fails a configured network that the dataplane fails later', () => {
    const state = { status: FAILED, error: 'm-dcos is gone' };
    const dataplane = GetStatusResponse.create({ networks: [{ networkId: id, network: 'dcos', state }] });
    expect(stateOf({ kind: 'configured' }, dataplane)).toStrictEqual(state);
    expect(stateOf({ kind: 'failed', error: 'first' }, dataplane)).toMatchObject({ error: 'first' });
  });

  it('fails a network with stranded containers, and names them', () => {
    const container = Container.fromPartial({ containerId: 'web', network: 'dcos', ip: '9.9.0.2' });
    const of = (network: string) => ({
      dataplane: undefined,
      docker: noDocker,
      stranded: [{ ...container, network }],
    });
    const known = new Map([[id, { kind: 'configured' } as const]]);
    expect(planNetworkStates([network], known, of('dcos')).get(id)).toEqual({
      status: FAILED,
      error: expect.stringMatching(/stranded .*: web \(9\.9\.0\.2\); start them anew/),
    });
    expect(planNetworkStates([network], known, of('other')).get(id)).toEqual({ status: OK, error: '' });
  });

  it("tells objects of the network and of the whole host that could not be written, not others'", () => {
    const failure = { kind: 'route', object: '9.0.2.0/24', error: 'Network is unreachable' };
    const dataplane = GetStatusResponse.create({
      failures: [
        { ...failure, networkId: 'other' },
        { ...failure, networkId: '' },
        { ...failure, networkId: id },
      ],
    });
    expect(stateOf({ kind: 'configured' }, dataplane)).toStrictEqual({
      status: OK,
      error: '2 kernel objects could not be written: route 9.0.2.0/24: Network is unreachable',
    });
  });
});
