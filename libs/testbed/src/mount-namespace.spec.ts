import { describe, expect, it } from '@jest/globals';
import { listSharedMounts } from './mount-namespace.js';

describe('the shared mounts of a namespace', () => {
  it('are those with a peer group, whatever other optional fields they have', () => {
    const mountinfo = [
      '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
      '42 27 254:0 /run/netns /run/netns rw,relatime shared:1 - ext4 /dev/vda rw',
      '43 42 0:4 net:[4026532177] /run/netns/a rw master:4 shared:2 - nsfs nsfs rw',
      '44 22 0:5 / /mnt rw master:7 - tmpfs tmpfs rw',
      '',
    ].join('\n');
    expect(listSharedMounts(mountinfo)).toEqual(['/run/netns', '/run/netns/a']);
  });
});
