import { describe, expect, it } from '@jest/globals';
import { type DemoOptions, requireFitting } from './demo-options.js';

const plain: DemoOptions = {
  hosts: 3,
  masters: 1,
  log: 'embedded',
  killLeader: false,
  name: 'demo',
  keep: false,
};

describe('the options', () => {
  it('go together as they are by default, and with several masters on etcd', () => {
    expect(() => requireFitting(plain)).not.toThrow();
    expect(() => requireFitting({ ...plain, masters: 3, log: 'etcd', killLeader: true })).not.toThrow();
  });

  it('do not take several masters on an embedded log', () => {
    expect(() => requireFitting({ ...plain, masters: 3 })).toThrow('--log etcd');
  });

  it('do not kill the only master', () => {
    expect(() => requireFitting({ ...plain, log: 'etcd', killLeader: true })).toThrow('--masters 3');
  });
});
