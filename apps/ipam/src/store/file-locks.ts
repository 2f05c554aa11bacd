const POSIX_LOCK = /^\d+:\s+(?:->\s+)?POSIX\s+\S+\s+\S+\s+(\d+)\s+([0-9a-f]+:[0-9a-f]+:\d+)\s/;

/**
 * The other processes that hold a POSIX lock on the file that this process has locked.
 * @param locks the text of /proc/locks (proc(5)); it shows the processes of this PID namespace
 * @param inode the file's inode
 * @returns their process ids; none if this process holds no lock on it
 */
export function otherLockHolders(locks: string, inode: number, ownPid: number): readonly number[] {
  const held = locks.split('\n').flatMap((line) => {
    const [, pid = '', file = ''] = POSIX_LOCK.exec(line) ?? [];
    return file.endsWith(`:${inode}`) ? [{ pid: Number(pid), file }] : [];
  });
  // The file's device comes from this process's own lock: stat shows another on some file systems (btrfs).
  const own = held.find(({ pid }) => pid === ownPid)?.file;
  const others = held.filter(({ pid, file }) => file === own && pid !== ownPid).map(({ pid }) => pid);
  return [...new Set(others)];
}
