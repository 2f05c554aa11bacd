import { readdirSync, readFileSync } from 'node:fs';

/** Processes of CNI calls that are under way in a testbed: standard plugins, ours, and what they started. */
export function listPluginProcesses(testbed: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const variables = environmentOf(pid).split('\0');
      return (
        variables.includes(`OVERLAY_TESTBED=${testbed}`) &&
        variables.some((variable) => variable.startsWith('CNI_COMMAND='))
      );
    });
}

/** SIGKILL; nothing happens if the process has ended. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended in this very moment
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}
