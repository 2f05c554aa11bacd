import { connect } from 'node:net';
import { runCommand } from './command.js';
import type { ReadinessProbe } from './managed-process.js';

/** Ready when somebody accepts connections on a unix socket; works from any network namespace. */
export function unixSocketListens(path: string): ReadinessProbe {
  return () =>
    new Promise((resolve) => {
      const socket = connect(path);
      socket.once('connect', () => {
        socket.destroy();
        resolve(undefined);
      });
      socket.once('error', (cause) => resolve(`${path}: ${cause.message}`));
    });
}

/** Ready when an HTTP endpoint of our own namespace answers 200; the reason is the endpoint's body. */
export function httpAnswersOk(url: string): ReadinessProbe {
  return async () => {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      const body = await response.text();
      return response.ok ? undefined : `${url} answers ${response.status}: ${body.trim()}`;
    } catch (cause) {
      return `${url}: ${cause instanceof Error ? describe(cause) : String(cause)}`;
    }
  };
}

/** {@link httpAnswersOk} for a loopback endpoint inside another namespace. @param enter prefix that enters it. */
export function httpAnswersOkInside(enter: readonly string[], url: string): ReadinessProbe {
  return async () => {
    const argv = [
      ...enter,
      'curl',
      '--silent',
      '--show-error',
      '--max-time',
      '2',
      '--write-out',
      '\n%{http_code}',
      url,
    ];
    const result = await runCommand(argv);
    if (result.exitCode !== 0) return `${url}: ${result.stderr.trim()}`;
    const end = result.stdout.lastIndexOf('\n');
    const status = result.stdout.slice(end + 1);
    return status === '200' ? undefined : `${url} answers ${status}: ${result.stdout.slice(0, end).trim()}`;
  };
}

function describe(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
