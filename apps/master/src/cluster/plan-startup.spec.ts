import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseMacAddress } from '@overlay/allocation';
import { isFailure } from '@overlay/failure';
import type { NetworkDefinition, NetworkId } from '@overlay/model';
import { planNetworkDeletion } from './plan-network.js';
import { planFinishedDeletions } from './plan-network-removal.js';
import { planRegistration } from './plan-registration.js';
import { type ClusterDefinition, planStartup } from './plan-startup.js';
import { PlannerState } from './planner-state.js';
import { DEFAULT_SPACE, ETCD_LIMITS, networkOf, recordOf, requestOf, roomOf, stateWith } from './testing.js';

const DCOS = networkOf('dcos', ['9.0.0.0/8', 26]);
const OTHER = networkOf('other', ['10.8.0.0/16', 26]);

function start(state: PlannerState, definition: Partial<ClusterDefinition>, adoptNetworks = false) {
  let ids = 0;
  const newNetworkId = () => `new-${ids++}` as NetworkId;
  const whole = { addressSpace: DEFAULT_SPACE, networks: [DCOS], ...definition };
  return planStartup(state, whole, { adoptNetworks, newNetworkId });
}

function refusal(state: PlannerState, definition: Partial<ClusterDefinition>): string {
  try {
    start(state, definition);
  } catch (thrown) {
    if (isFailure(thrown, 'failed_precondition')) return thrown.message;
    throw thrown;
  }
  throw new Error('nothing was refused');
}

describe('planStartup', () => {
  it('writes address space and networks into an empty log', () => {
    const { mutations } = start(new PlannerState(0, ETCD_LIMITS), { networks: [DCOS, OTHER] });
    expect(mutations.map((m) => (m.op === 'delete' ? m.ref.kind : m.record.kind))).toEqual([
      'address-space',
      'network',
      'network',
    ]);
  });

  it('changes nothing when log and configuration agree', () => {
    expect(start(stateWith([DCOS]), {})).toEqual({ mutations: [], warnings: [] });
  });

  it('adds a network, and refuses one that overlaps what the log holds', () => {
    expect(start(stateWith([DCOS]), { networks: [DCOS, OTHER] }).mutations).toHaveLength(1);
    const state = stateWith([DCOS]);
    state.records.put({ kind: 'network', network: { ...recordOf(OTHER), origin: 'runtime' } });
    const overlapping = networkOf('third', ['10.8.1.0/24', 28]);
    expect(refusal(state, { networks: [DCOS, overlapping] })).toContain('10.8.1.0/24');
  });

  it('refuses a network that overlaps what a runtime network really has, whatever the file says of that one', () => {
    const state = stateWith([DCOS]);
    state.records.put({ kind: 'network', network: { ...recordOf(OTHER), origin: 'runtime' } });
    const moved = networkOf('other', ['10.9.0.0/16', 26]);
    expect(start(state, { networks: [DCOS, moved] }).warnings[0]).toContain('other');
    const third = networkOf('third', ['10.8.0.0/16', 26]);
    expect(refusal(state, { networks: [DCOS, moved, third] })).toContain('network third.subnet');
  });

  it('refuses a new network over the underlay of a recorded agent', () => {
    const state = stateWith([DCOS]);
    const plan = planRegistration(state, requestOf('a', '10.8.0.1'), { isConnected: () => false });
    state.apply(plan.mutations, 0);
    expect(refusal(state, { networks: [DCOS, OTHER] })).toContain('10.8.0.1');
  });

  it('refuses a log network that is not configured, naming it, its agents and the ways out', () => {
    const state = stateWith([DCOS, OTHER]);
    const plan = planRegistration(state, requestOf('a', '10.0.0.1'), { isConnected: () => false });
    state.apply(plan.mutations, 0);
    const message = refusal(state, {});
    for (const part of [
      '"other"',
      '10.8.0.0/16',
      '10.0.0.1',
      'network.overlays',
      '--adopt-networks',
      'network delete other',
    ]) {
      expect(message).toContain(part);
    }
  });

  it('adopts it when told so, and then keeps it without being told again', () => {
    const state = stateWith([DCOS, OTHER]);
    const { mutations, warnings } = start(state, {}, true);
    expect(warnings[0]).toContain('other');
    state.apply(mutations, 0);
    expect(start(state, {}).mutations).toEqual([]);
  });

  it('takes over enabled and isolated, and lets the log win for networks changed at runtime', () => {
    const disabled = { ...DCOS, enabled: false, isolated: true };
    const { mutations } = start(stateWith([DCOS]), { networks: [disabled] });
    expect(mutations).toEqual([
      { op: 'put', record: { kind: 'network', network: { ...recordOf(DCOS), definition: disabled } } },
    ]);
    const state = stateWith([]);
    state.records.put({ kind: 'network', network: { ...recordOf(DCOS), origin: 'runtime' } });
    const kept = start(state, { networks: [disabled] });
    state.apply(kept.mutations, 0);
    expect(state.records.networkByName(DCOS.name)?.definition).toEqual(DCOS);
    expect(kept.warnings[0]).toContain('dcos');
    expect(start(state, { networks: [disabled] }).mutations).toEqual([]);
  });

  it.each([
    ['from the configuration', recordOf(OTHER)],
    ['made at runtime, which a configuration names', { ...recordOf(OTHER), origin: 'runtime' as const }],
  ])('leaves a network %s deleted, whichever master leads meanwhile', (_what, network) => {
    const state = stateWith([DCOS]);
    state.apply([{ op: 'create', record: { kind: 'network', network } }], 0);
    const lead = (networks: readonly NetworkDefinition[]) => {
      const plan = start(state, { networks });
      state.apply(plan.mutations, 0);
      return plan.warnings;
    };
    lead([DCOS, OTHER]);
    state.apply(planNetworkDeletion(state, { name: OTHER.name, force: false, attached: 0 }).mutations, 0);
    lead([DCOS]);
    state.apply(planFinishedDeletions(state, roomOf(state)), 0);
    lead([DCOS]);
    expect(lead([DCOS, OTHER])[0]).toContain('"other" was deleted at runtime and stays so');
    expect(state.records.networkByName(OTHER.name)).toBeUndefined();
  });

  it.each([
    ['another address space', networkOf('other', ['10.9.0.0/16', 26])],
    ['another flag', { ...OTHER, isolated: true }],
    ['the same', OTHER],
  ])('goes on deleting a network of which the file says %s', (_what, definition) => {
    const state = stateWith([DCOS, OTHER]);
    state.apply(planNetworkDeletion(state, { name: OTHER.name, force: false, attached: 0 }).mutations, 0);
    const { mutations, warnings } = start(state, { networks: [DCOS, definition] });
    expect(mutations).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('"other" is being deleted at runtime and stays so')]);
  });

  it('remembers of an adopted network that another configuration may name it', () => {
    const state = stateWith([DCOS, OTHER]);
    state.apply(start(state, {}, true).mutations, 0);
    state.apply(planNetworkDeletion(state, { name: OTHER.name, force: false, attached: 0 }).mutations, 0);
    state.apply(planFinishedDeletions(state, roomOf(state)), 0);
    expect(start(state, { networks: [DCOS, OTHER] }).mutations).toEqual([]);
  });

  it('refuses another address space of a network and shows both', () => {
    const message = refusal(stateWith([DCOS]), { networks: [networkOf('dcos', ['9.0.0.0/8', 24])] });
    expect(message).toContain('9.0.0.0/8 in /26');
    expect(message).toContain('9.0.0.0/8 in /24');
  });

  it.each([
    ['vtep_subnet', { vtepSubnet: parseCidr('44.128.0.0/24') }, '44.128.0.0/20'],
    ['vtep_subnet6', { vtepSubnet6: parseCidr('fd01:c::/64') }, 'fd01:a::/64'],
    ['vtep_mac_oui', { vtepMacOui: parseMacAddress('70:b3:d6:00:00:00') }, '70:b3:d5:00:00:00'],
    ['vtep_mtu', { vtepMtuBytes: 1400 }, '1400'],
  ] as const)('refuses another %s and shows both values', (key, change, shown) => {
    const message = refusal(stateWith([DCOS]), { addressSpace: { ...DEFAULT_SPACE, ...change } });
    expect(message).toContain(`network.${key}`);
    expect(message).toContain(shown);
  });

  it('refuses a larger vtep_subnet over a network of the log that the configuration need not name', () => {
    const state = stateWith([DCOS]);
    const runtime = networkOf('web', ['44.160.0.0/16', 26]);
    state.records.put({ kind: 'network', network: { ...recordOf(runtime), origin: 'runtime' } });
    const grown = (subnet: string) => ({ addressSpace: { ...DEFAULT_SPACE, vtepSubnet: parseCidr(subnet) } });
    const message = refusal(state, grown('44.128.0.0/9'));
    for (const part of [
      'network.vtep_subnet',
      '44.128.0.0/9',
      '"web"',
      '44.160.0.0/16',
      'put the old value back',
    ])
      expect(message).toContain(part);
    expect(start(state, grown('44.128.0.0/16')).mutations).toHaveLength(1);
  });

  it('refuses a vtep_subnet6 over a network of the log, and a larger vtep_subnet over agents', () => {
    const { vtepSubnet6: _, ...only4 } = DEFAULT_SPACE;
    const state = stateWith([DCOS], only4);
    const plan = planRegistration(state, requestOf('a', '44.200.0.1'), { isConnected: () => false });
    state.apply(plan.mutations, 0);
    const message = refusal(state, { addressSpace: { ...only4, vtepSubnet: parseCidr('44.128.0.0/9') } });
    for (const part of ['network.vtep_subnet', '44.200.0.1', 'put the old value back'])
      expect(message).toContain(part);
    const six = networkOf('six', undefined, ['fd01:a::/64', 80]);
    state.records.put({ kind: 'network', network: { ...recordOf(six), origin: 'runtime' } });
    expect(refusal(state, {})).toContain('network.vtep_subnet6 cannot become fd01:a::/64: network "six"');
  });

  it('enlarges vtep_subnet and adds vtep_subnet6, and every node keeps its VTEP', () => {
    const { vtepSubnet6: _, ...only4 } = DEFAULT_SPACE;
    const state = stateWith([DCOS], only4);
    const join = (id: string, ip: string) => {
      const plan = planRegistration(state, requestOf(id, ip), { isConnected: () => false });
      state.apply(plan.mutations, 0);
      return plan.node;
    };
    const before = join('a', '10.0.0.1');
    const grown = { ...DEFAULT_SPACE, vtepSubnet: parseCidr('44.128.0.0/13') };
    state.apply(start(state, { addressSpace: grown }).mutations, 0);
    expect(join('b', '10.0.0.2').vtepIp).toBe('44.128.0.2');
    const after = join('a', '10.0.0.1');
    expect(after.vtepIp).toBe(before.vtepIp);
    expect(after.vtepIp6).toBe('fd01:a::2');
  });
});
