import { describe, expect, it } from '@jest/globals';
import { PendingCheck } from './pending-check.js';
import { ALL_KINDS } from './plan-check.js';

describe('PendingCheck', () => {
  it('looks at no device alone where everything is read', () => {
    const pending = new PendingCheck();
    pending.add({ step: 'devices', devices: ['vtep1024'] });
    pending.add({ step: 'kinds', kinds: ['link'] });
    expect([...pending.take().devices]).toEqual(['vtep1024']);
    pending.add({ step: 'devices', devices: ['vtep1024'] });
    pending.add({ step: 'kinds', kinds: ALL_KINDS });
    expect([...pending.take().devices]).toEqual([]);
    expect(pending.due).toBe(false);
  });
});
