import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { exitCodeOf } from './exit-code.js';
import { readNewNetwork, refusalOfCluster } from './new-network.js';

describe('readNewNetwork', () => {
  it('asks for what is typed', () => {
    expect(readNewNetwork('lab', { subnet: '10.8.0.0/16', prefix: 26, isolated: true })).toEqual({
      name: 'lab',
      subnet: '10.8.0.0/16',
      prefix: 26,
      subnet6: '',
      prefix6: 0,
      disabled: false,
      isolated: true,
    });
  });

  it.each([
    [{ subnet: '10.8.0.0/99', prefix: 26 }, ['--subnet']],
    [{ subnet: '10.8.0.0/16', prefix: 8 }, ['--prefix']],
    [{ subnet: '10.8.0.0/16' }, ['--prefix']],
    [{ subnet6: '10.8.0.0/16', prefix6: 26 }, ['--subnet6']],
    [{}, ['network']],
  ])('names what is wrong with %j', (flags, fields) => {
    expect(() => readNewNetwork('lab', flags)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        violations: fields.map((field) => expect.objectContaining({ field })),
      }),
    );
  });
});

describe('refusalOfCluster', () => {
  it('makes a failure, and no wrong call, of a network that overlaps another', () => {
    const overlap = { field: 'spec.subnet', description: '9.0.0.0/16 overlaps 9.0.0.0/8 of network dcos' };
    const refusal = refusalOfCluster(OverlayError.invalid([overlap]));
    expect(refusal).toMatchObject({
      message: `--subnet: ${overlap.description}`,
      violations: [{ ...overlap, field: '--subnet' }],
    });
    expect(exitCodeOf(refusal)).toBe(1);
  });

  it('passes everything else', () => {
    const taken = new OverlayError('already_exists', 'network "lab" exists');
    expect(refusalOfCluster(taken)).toBe(taken);
  });
});
