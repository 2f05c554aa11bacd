import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { runCommand, runOrFail } from './command.js';

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'] as const;
const FOLDERS = ['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp', 'var'] as const;

/**
 * Makes a root file system of about 2 MB out of the machine's static busybox, without any registry: what containers
 * of real runtimes run in.
 *
 * @param folder must not exist yet.
 * @throws OverlayError `not_found` without busybox, `failed_precondition` if busybox needs shared libraries.
 */
export async function makeRootTree(folder: string): Promise<void> {
  const busybox = BUSYBOX.find((path) => existsSync(path));
  if (busybox === undefined) {
    throw new OverlayError(
      'not_found',
      `neither ${BUSYBOX.join(' nor ')} is there: install Debian's busybox-static`,
    );
  }
  const libraries = await runCommand(['ldd', busybox]); // fails on a static program
  if (libraries.exitCode === 0) {
    throw new OverlayError(
      'failed_precondition',
      `${busybox} needs shared libraries: install Debian's busybox-static`,
    );
  }
  for (const name of FOLDERS) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(folder, 'etc', 'group'), 'root:x:0:\n');
  await runOrFail(['cp', busybox, join(folder, 'bin', 'busybox')]);
  const applets = (await runOrFail([busybox, '--list'])).split('\n');
  for (const applet of applets) {
    if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', join(folder, 'bin', applet));
  }
}
