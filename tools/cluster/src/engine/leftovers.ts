import { readdirSync, readFileSync } from 'node:fs';
import { runCommand } from '@overlay/testbed';

/** Processes that have a folder in their arguments, as an engine, its containerd and its shims have theirs. */
export function listProcessesNaming(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const [file = '', ...args] = readProcFile(`/proc/${pid}/cmdline`).split('\0');
      return (
        /(?:^|\/)(?:dockerd|containerd|containerd-shim[a-z0-9-]*|docker-proxy)$/.test(file) &&
        args.some((argument) => argument.includes(`${folder}/`))
      );
    })
    .map(Number);
}

/** Unmounts everything in folders of this mount namespace, the innermost first. */
export async function unmountBelow(folders: readonly string[]): Promise<void> {
  const mounts = readProcFile('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => folders.some((folder) => path.startsWith(`${folder}/`)))
    .reverse();
  for (const mount of mounts) await runCommand(['umount', '--lazy', mount]);
}

function readProcFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process ended meanwhile
  }
}
