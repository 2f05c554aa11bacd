import { describe, expect, it } from '@jest/globals';
import type { CheckResult, DemoContainer } from './check.js';
import { renderMatrix } from './matrix.js';
import { PLAIN } from './terminal.js';

const containers: readonly DemoContainer[] = [
  { name: 'a', host: 'h1', network: 'dcos', half: 'cni', runtime: 'cni', ipv4: '9.0.0.2' },
  { name: 'b', host: 'h2', network: 'dcos', half: 'docker', runtime: 'by-hand', ipv4: '9.0.0.98' },
  { name: 'x', host: 'h1', network: 'dcos6', half: 'cni', runtime: 'cni', ipv6: 'fd01::2' },
];
const result = (from: string, to: string, ok: boolean, source?: string): CheckResult => ({
  from,
  to,
  family: 'ipv4',
  kind: 'tcp',
  ok,
  ms: 1,
  ...(source === undefined ? {} : { source }),
});

describe('the matrix', () => {
  it('shows who reaches whom, who does not, and what was not tried', () => {
    const results = [
      result('a', 'b', true),
      result('b', 'a', false),
      result('a', 'outside', true, '198.18.1.11'),
    ];
    expect(renderMatrix('dcos', containers, results, PLAIN)).toEqual([
      'dcos                            1  2   outside',
      '  1  h1 cni          9.0.0.2    ·  ✓   ✓ as 198.18.1.11',
      '  2  h2 docker half  9.0.0.98   ✗  ·   ?',
    ]);
  });

  it('shows a pair as broken when one of its checks failed', () => {
    const results = [result('a', 'b', true), result('a', 'b', false)];
    expect(renderMatrix('dcos', containers, results, PLAIN)[1]).toContain('✗');
  });
});
