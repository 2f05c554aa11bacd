import { describe, expect, it } from '@jest/globals';
import { planAdmission } from '../desired/plan-admission.js';
import { HOST } from '../reconcile/testing/host-fixture.js';
import { attributesOf } from './kernel-object.js';

describe('the attributes of a table of nftables', () => {
  const table = planAdmission(HOST);

  it('are the same whether nft lists a lookup that finds nothing as `oif missing` or as `check missing`', () => {
    const older = {
      ...table,
      content: table.content.replace(/fib saddr \. iif \w+ missing/, 'fib saddr . iif oif missing'),
    };
    const newer = {
      ...table,
      content: table.content.replace(/fib saddr \. iif \w+ missing/, 'fib saddr . iif check missing'),
    };
    expect(newer.content).not.toBe(older.content);
    expect(attributesOf(newer)).toBe(attributesOf(older));
    expect(attributesOf(newer)).toBe(attributesOf(table));
  });

  it('differ where the lookup goes by something else', () => {
    const other = { ...table, content: table.content.replace('saddr . iif', 'saddr') };
    expect(attributesOf(other)).not.toBe(attributesOf(table));
  });
});
