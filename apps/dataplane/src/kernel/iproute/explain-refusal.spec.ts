import { describe, expect, it } from '@jest/globals';
import { BRIDGE, VTEP } from '../contract-objects.js';
import { explainRefusal } from './explain-refusal.js';

const IN_USE = 'Error: A VXLAN device with the specified VNI already exists.';

describe('explainRefusal', () => {
  it('tells where the device is that has the VNI of the tunnel', () => {
    const text = explainRefusal({ op: 'add', object: VTEP }, IN_USE);
    expect(text).toContain('specified VNI already exists: a device with VNI 1024 and port 64000');
    expect(text).toContain('vtep1024 was moved into another network namespace');
  });

  it('adds nothing to other refusals', () => {
    expect(explainRefusal({ op: 'add', object: BRIDGE }, 'File exists')).toBe('File exists');
    expect(explainRefusal({ op: 'add', object: VTEP }, 'No buffer space')).toBe('No buffer space');
    expect(explainRefusal({ op: 'replace', object: VTEP, previous: VTEP }, IN_USE)).toBe(IN_USE);
  });
});
