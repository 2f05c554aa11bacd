import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DockerNetwork } from './docker-networks.js';
import { planDockerNetwork } from './plan-docker-network.js';
import { planAdoptions, planDockerSteps } from './plan-docker-steps.js';

const wanted = (name: string, networkId = `id-${name}`, mtuBytes = 1420) => ({
  networkId,
  settings: planDockerNetwork(
    { networkId, name, subnet: '9.0.1.128/25', subnet6: '', mtuBytes, pool: 'split' },
    '20.10.24',
  ),
});
const standing = (name: string, networkId?: string, mtuBytes?: number): DockerNetwork => ({
  ...wanted(name, networkId, mtuBytes).settings,
  id: `docker-${name}`,
});
const unlabelled = (network: DockerNetwork): DockerNetwork => ({ ...network, labels: {} });
const kept = new Set(['id-a']);
const kinds = (found: readonly DockerNetwork[]) =>
  planDockerSteps([wanted('a')], found, kept).map(({ kind }) => kind);

describe('planDockerSteps', () => {
  it.each<[string, readonly DockerNetwork[], readonly string[]]>([
    ['makes what is missing', [], ['create']],
    ['keeps its own', [standing('a')], ['keep']],
    ["adopts somebody else's that is equal", [unlabelled(standing('a'))], ['keep']],
    ['makes its own anew that is different', [standing('a', 'id-a', 1500)], ['replace']],
    ['makes that of a deleted network anew', [standing('a', 'id-of-another')], ['replace']],
    ["leaves somebody else's that is different", [unlabelled(standing('a', 'x', 1500))], ['conflict']],
    ['leaves a bridge to who has it', [{ ...unlabelled(standing('a')), name: 'b' }], ['conflict']],
    ['removes those of networks that are gone', [standing('gone')], ['remove', 'create']],
    ["never touches others' networks", [{ ...unlabelled(standing('b')), options: {} }], ['create']],
  ])('%s', (_what, found, expected) => {
    expect(kinds(found)).toEqual(expected);
  });

  it('keeps that of a network which is not wanted now', () => {
    expect(planDockerSteps([], [standing('a')], kept)).toEqual([]);
    expect(planDockerSteps([], [standing('a')], new Set())).toMatchObject([{ kind: 'remove' }]);
  });

  it('removes an adopted one whose network is gone, unless another one has taken it over', () => {
    const orphans = new Map([['docker-a', 'id-old']]);
    const found = [unlabelled(standing('a'))];
    expect(planDockerSteps([], found, kept, orphans)).toMatchObject([
      { kind: 'remove', networkId: 'id-old' },
    ]);
    expect(planDockerSteps([wanted('a')], found, kept, orphans)).toMatchObject([{ kind: 'keep' }]);
  });

  it('names the difference and the way out', () => {
    const [step] = planDockerSteps([wanted('a')], [unlabelled(standing('a', 'x', 1500))], kept);
    expect(step).toMatchObject({ error: expect.stringContaining('mtu is 1500, must be 1420') });
    expect(step).toMatchObject({ error: expect.stringContaining('docker network rm a') });
  });

  it('never removes what is not labelled, and has one step for each wanted network', () => {
    const names = fc.constantFrom('a', 'b', 'c');
    const network = fc
      .record({ name: names, id: fc.option(names), mtu: fc.constantFrom(1420, 1500) })
      .map(({ name, id, mtu }) => {
        const one = standing(name, `id-${id ?? name}`, mtu);
        return id === null ? unlabelled(one) : one;
      });
    fc.assert(
      fc.property(
        fc.uniqueArray(network, { selector: ({ name }) => name }),
        fc.uniqueArray(names),
        (found, want) => {
          const ids = new Set(want.map((name) => `id-${name}`));
          const steps = planDockerSteps(
            want.map((name) => wanted(name)),
            found,
            ids,
          );
          const touched = steps.flatMap((step) =>
            step.kind === 'remove' || step.kind === 'replace' ? [step.found] : [],
          );
          expect(touched.every(({ labels }) => Object.keys(labels).length > 0)).toBe(true);
          expect(steps.filter(({ kind }) => kind !== 'remove')).toHaveLength(want.length);
        },
      ),
    );
  });
});

describe('planAdoptions', () => {
  const foreign = unlabelled(standing('a'));
  it.each<[string, readonly DockerNetwork[], number | undefined, readonly [string, string][]]>([
    ["takes somebody else's that is equal", [foreign], 1420, [['docker-a', 'id-a']]],
    ["takes no other one of somebody else's", [foreign], 1300, []],
    ['takes none of ours', [standing('a')], 1420, []],
    ['takes none where nothing is wanted', [foreign], undefined, []],
  ])('%s', (_what, found, mtuBytes, adopted) => {
    const want = mtuBytes === undefined ? [] : [wanted('a', 'id-a', mtuBytes)];
    expect([...planAdoptions(want, found, new Map())]).toEqual(adopted);
  });

  it('keeps what was adopted while it stands', () => {
    const before = new Map([['docker-a', 'id-a']]);
    expect(planAdoptions([wanted('a', 'id-a', 1300)], [foreign], before)).toEqual(before);
    expect(planAdoptions([wanted('a')], [], before)).toEqual(new Map());
  });
});
