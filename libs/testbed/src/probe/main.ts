import { runProbe } from './probe.js';

const [socketPath] = process.argv.slice(2);
if (socketPath === undefined) {
  process.stderr.write('usage: main.js SOCKET\n');
  process.exit(2);
}
await runProbe(socketPath);
