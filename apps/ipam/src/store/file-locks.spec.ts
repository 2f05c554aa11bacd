import { describe, expect, it } from '@jest/globals';
import { otherLockHolders } from './file-locks.js';

const LOCKS = `1: POSIX  ADVISORY  READ 4014 fe:00:2295142 0 0
2: POSIX  ADVISORY  READ 77 fe:00:2295142 0 0
2: -> POSIX  ADVISORY  WRITE 78 fe:00:2295142 0 EOF
3: POSIX  ADVISORY  READ 79 fe:01:2295142 0 0
4: POSIX  ADVISORY  READ 80 fe:00:12295142 0 0
5: FLOCK  ADVISORY  WRITE 81 fe:00:2295142 0 EOF
`;

describe('otherLockHolders', () => {
  it('finds who holds the same file, on the same device', () => {
    expect(otherLockHolders(LOCKS, 2295142, 4014)).toEqual([77, 78]);
    expect(otherLockHolders(LOCKS, 2295142, 79)).toEqual([]);
  });

  it('finds nobody when this process holds no lock', () => {
    expect(otherLockHolders(LOCKS, 2295142, 1)).toEqual([]);
    expect(otherLockHolders('', 2295142, 4014)).toEqual([]);
  });
});
