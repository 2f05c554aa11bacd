import { describe, expect, it } from '@jest/globals';
import { formatReason } from './find-runtimes.js';

describe('why a runtime is not used', () => {
  it('is told in one line, with the last words of its log', () => {
    const message = 'h1 dockerd ended (exit 1); the end of /tmp/x.log:\nstarting up\nno devices cgroup';
    expect(formatReason(message)).toBe('h1 dockerd ended (exit 1): no devices cgroup');
    expect(formatReason('h1 dockerd ended (exit 1); the end of /tmp/x.log:\n')).toBe(
      'h1 dockerd ended (exit 1)',
    );
    expect(formatReason('20 engines would take too much memory')).toBe(
      '20 engines would take too much memory',
    );
  });
});
