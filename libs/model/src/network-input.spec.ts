import { describe, expect, it } from '@jest/globals';
import { type NetworkInput, readNetworkDefinition } from './network-input.js';

function fieldsOf(input: NetworkInput): readonly string[] {
  const reading = readNetworkDefinition(input, 'spec');
  return reading.ok ? [] : reading.violations.map(({ field }) => field);
}

describe('readNetworkDefinition', () => {
  it('names every field that is wrong, not only the first', () => {
    const input = { name: 'host', subnet: '9.0.0.0/33', prefix: 31, subnet6: '9.0.0.0/8', prefix6: 80 };
    expect(fieldsOf(input)).toEqual(['spec.name', 'spec.subnet', 'spec.prefix', 'spec.subnet6']);
  });

  it('gives what it could read of a network that is wrong elsewhere', () => {
    const reading = readNetworkDefinition(
      { name: '-', subnet: '9.0.0.0/8', prefix: 26, prefix6: 80 },
      'spec',
    );
    expect(reading).toMatchObject({ ok: false, partial: { ipv4: { subnet: '9.0.0.0/8', blockLength: 26 } } });
  });

  it('gives nothing where no subnet could be read', () => {
    expect(readNetworkDefinition({ name: 'a', subnet: 'x', prefix: 26 }, 'spec')).not.toHaveProperty(
      'partial',
    );
  });
});
