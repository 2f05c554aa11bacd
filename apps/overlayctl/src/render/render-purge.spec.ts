import { describe, expect, it } from '@jest/globals';
import { renderLeftovers, renderPurge } from './render-purge.js';

const many = Array.from({ length: 22 }, (_, index) => `route add 9.0.${index}.0/24`);

describe('renderPurge', () => {
  it('tells what goes, what stays, and what to do first', () => {
    const lines = renderPurge(many).split('\n');
    expect(lines[0]).toBe(
      '22 kernel objects will be removed, and the containers of this host lose the overlay:',
    );
    expect(lines[20]).toBe('  route add 9.0.19.0/24');
    expect(lines[21]).toBe('  … and 2 more');
    expect(lines.slice(22).join(' ')).toMatch(/ip_forward .* stay .* Stop overlay-agent first/);
  });
});

describe('renderLeftovers', () => {
  it('tells what was removed and that nothing is left', () => {
    expect(renderLeftovers(1, []).split('\n')).toEqual([
      'removed 1 kernel object',
      'net.ipv4.ip_forward and net.ipv6.conf.all.forwarding stay as they are.',
      'nothing of the overlay is on this host',
    ]);
    expect(renderLeftovers(0, [])).toBe('nothing of the overlay is on this host');
  });

  it('lists what is left', () => {
    expect(renderLeftovers(0, ['link vtep1024'])).toBe(
      '1 kernel object of the overlay on this host:\n  link vtep1024',
    );
  });
});
