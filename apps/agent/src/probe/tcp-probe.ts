import { connect } from 'node:net';
import { healthy, type ProbeFinding, unhealthy } from './probe-finding.js';

/** Opens a TCP connection and closes it. The signal ends it early, with the connection still not open. */
export function probeTcp(ip: string, port: number, signal: AbortSignal): Promise<ProbeFinding> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port });
    const finish = (finding: ProbeFinding) => {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(finding);
    };
    const giveUp = () => finish(unhealthy(`port ${port} did not answer in time`));
    socket.once('connect', () => finish(healthy(`port ${port} is open`)));
    socket.once('error', (error) => finish(unhealthy(error.message)));
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}
