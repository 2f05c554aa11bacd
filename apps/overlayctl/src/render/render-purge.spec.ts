import { describe, expect, it } from '@jest/globals';
import { type PurgeOutcome, renderLeftovers, renderPurge } from './render-purge.js';

const many = Array.from({ length: 22 }, (_, index) => `route add 9.0.${index}.0/24`);
const NOTHING: PurgeOutcome = {
  removedFromKernel: 0,
  removed: [],
  kernel: [],
  made: [],
  kept: ["/var/lib/overlay/agent: the node's id"],
};

describe('renderPurge', () => {
  it('tells what goes, what stays, and what to do first', () => {
    const lines = renderPurge(many, ['Docker network dcos']).split('\n');
    expect(lines[0]).toBe(
      '23 objects of the overlay found; what can be removed will be, and the containers of this host lose the overlay:',
    );
    expect(lines[20]).toBe('  route add 9.0.19.0/24');
    expect(lines[21]).toBe('  … and 2 more');
    expect(lines[22]).toBe('  Docker network dcos');
    expect(lines.slice(23).join(' ')).toMatch(/ip_forward .* stay .* Stop overlay-agent first/);
  });
});

describe('renderLeftovers', () => {
  it('tells what was removed, that nothing is left, and what stays', () => {
    const done = renderLeftovers({ ...NOTHING, removedFromKernel: 2, removed: ['Docker network dcos'] });
    expect(done.split('\n')).toEqual([
      'removed 3 objects',
      '  Docker network dcos',
      'net.ipv4.ip_forward and net.ipv6.conf.all.forwarding stay as they are.',
      'nothing of the overlay is on this host but what stays on purpose:',
      "  /var/lib/overlay/agent: the node's id",
    ]);
    expect(renderLeftovers(NOTHING).split('\n')).toHaveLength(2);
  });

  it('lists what is left', () => {
    expect(
      renderLeftovers({ ...NOTHING, kernel: ['link vtep1024'] })
        .split('\n')
        .slice(0, 2),
    ).toEqual(['1 object of the overlay on this host:', '  link vtep1024']);
    const made = renderLeftovers({ ...NOTHING, made: ['Docker network dcos: it is in use'] });
    expect(made).toContain('1 object of the overlay on this host:\n  Docker network dcos: it is in use');
  });
});
