import type { Host } from '@overlay/testbed';

/** The sum of a Prometheus metric over all its labels, from a process of a host; 0 while it has no sample. */
export async function sumOfMetric(host: Host, listener: string, name: string): Promise<number> {
  const text = await host.execOrFail(['curl', '--silent', '--max-time', '5', `http://${listener}/metrics`]);
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
