import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { orderChanges } from '../../reconcile/order-changes.js';
import type { KernelObject } from '../kernel-object.js';
import type { KernelChange } from '../kernel-tables.js';
import { planSteps, type Step } from './plan-steps.js';

const device = 'vtep1024';
const mac = parseMacAddress('70:b3:d5:80:00:02');

/** Entries towards so many peers, of both families. */
function entries(peers: number): readonly KernelObject[] {
  return Array.from({ length: peers }, (_, n): readonly KernelObject[] => {
    const [high, low] = [n >> 8, n & 0xff];
    const [gateway, gateway6] = [
      parseIpAddress(`44.128.${high}.${low}`),
      parseIpAddress(`fd01:a::${(n + 1).toString(16)}`),
    ];
    const route = (prefix: string, id: number): KernelObject => ({
      kind: 'route',
      table: 254,
      prefix: parseCidr(prefix),
      target: { type: 'nexthop', id },
    });
    return [
      { kind: 'admission', address: parseIpAddress(`10.1.${high}.${low}`) },
      route(`9.${high}.${low}.0/26`, n),
      route(`fd01:b:0:0:${(n + 1).toString(16)}::/80`, 100_000 + n),
      { kind: 'fdb', device, mac, underlay: parseIpAddress(`10.1.${high}.${low}`) },
      { kind: 'neighbour', device, address: gateway, mac },
      { kind: 'neighbour', device, address: gateway6, mac },
      { kind: 'nexthop', device, gateway, id: n },
      { kind: 'nexthop', device, gateway: gateway6, id: 100_000 + n },
    ];
  }).flat();
}

function stepsFor(op: 'add' | 'remove', peers: number): readonly Step[] {
  return planSteps(orderChanges(entries(peers).map((object): KernelChange => ({ op, object }))));
}

/** Each lane as its tool and kinds in their order. */
function spell({ name, lanes }: Step) {
  const runs = lanes.map((lane) =>
    lane.map(({ tool, run }) => `${tool} ${[...new Set(run.map(({ object }) => object.kind))].join(' ')}`),
  );
  return { name, runs };
}

describe('planSteps', () => {
  it('gives one process to the few entries of each tool', () => {
    expect(stepsFor('add', 3).map(spell)).toEqual([
      { name: undefined, runs: [['bridge fdb', 'ip neighbour nexthop route', 'nft admission']] },
    ]);
  });

  it('writes many entries of different families side by side, each route behind its nexthop', () => {
    const steps = stepsFor('add', 1_500);
    const ip = ['ip nexthop', 'ip route'];
    expect(steps.map(spell)).toEqual([
      { name: 'neighbours', runs: [['bridge fdb'], ['ip neighbour'], ['ip neighbour']] },
      { name: 'routes', runs: [ip, ip] },
      { name: undefined, runs: [['nft admission']] },
    ]);
    const all = steps.flatMap(({ lanes }) => lanes.flat().flatMap(({ run }) => run));
    expect(new Set(all).size).toBe(8 * 1_500);
  });

  it('removes many routes before their nexthops, and these before the neighbours', () => {
    expect(stepsFor('remove', 1_500).map(spell)).toEqual([
      { name: 'removal of routes', runs: [['ip route'], ['ip route']] },
      { name: undefined, runs: [['nft admission']] },
      { name: 'removal of nexthops', runs: [['ip nexthop'], ['ip nexthop']] },
      { name: 'removal of neighbours', runs: [['ip neighbour'], ['ip neighbour'], ['bridge fdb']] },
    ]);
  });

  it('gives no process more than its time allows', () => {
    const runs = stepsFor('add', 25_000).flatMap(({ lanes }) => lanes.flat());
    const lengths = runs.filter(({ tool }) => tool !== 'nft').map(({ run }) => run.length);
    expect(Math.max(...lengths)).toBe(20_000);
  });
});
