import { connect } from 'node:net';
import { VTEP_UDP_PORT } from '@overlay/model';
import type { TrialAnswer } from '../../desired/plan-offload-trial.js';
import type { TunnelProbe } from '../tunnel-probe.js';

const REFUSALS: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET']);

/** A TCP connection to the tunnel's port number, where nobody listens: the tunnel itself is UDP. */
export const tcpProbe: TunnelProbe = {
  ask: ({ from, to }, timeoutMs, signal) =>
    new Promise((resolve) => {
      const socket = connect({ host: to, port: VTEP_UDP_PORT, localAddress: from });
      const giveUp = () => finish('silent');
      const timer = setTimeout(giveUp, timeoutMs);
      const finish = (answer: TrialAnswer) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        socket.destroy();
        resolve(answer);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      socket.on('connect', () => finish('answered'));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        finish(REFUSALS.has(error.code ?? '') ? 'answered' : 'silent'),
      );
    }),
};
