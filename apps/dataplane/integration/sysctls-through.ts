import { OverlayError } from '@overlay/failure';
import type { CommandRunner } from '../src/kernel/iproute/command-runner.js';
import type { SysctlFiles } from '../src/kernel/iproute/sysctl-files.js';

/** /proc/sys/net shows the namespace of whoever looks, so somebody inside has to look for us. */
export function sysctlsThrough(runner: CommandRunner): SysctlFiles {
  const run = async (command: string, args: readonly string[], input = '') => {
    const result = await runner.run(command, args, input, 5_000);
    if (result.exitCode !== 0) throw new OverlayError('unavailable', result.stderr);
    return result.stdout;
  };
  return {
    read: (key) =>
      run('cat', [`/proc/sys/${key}`]).then(
        (text) => text.trim(),
        () => undefined,
      ),
    write: async (key, value) => {
      await run('tee', [`/proc/sys/${key}`], value);
    },
    list: async (key) => (await run('ls', [`/proc/sys/${key}`])).trim().split('\n'),
  };
}
