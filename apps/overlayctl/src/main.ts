import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runOverlayctl } from './overlayctl.js';
import { createTerminal } from './terminal.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough, such as `head`, is no failure.
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`overlayctl: the answer is not whole, it cannot be written: ${error.message}\n`);
  process.exit(1);
});
const exitCode = await runOverlayctl(process.argv.slice(2), {
  terminal: createTerminal(process),
  environment: process.env,
  version,
  agentProgram: fileURLToPath(new URL('../../../bin/overlay-agent', import.meta.url)),
});
// What a slow reader has not taken yet would be lost with the process.
const streams = [process.stdout, process.stderr];
await Promise.all(streams.map((stream) => new Promise((resolve) => stream.write('', resolve))));
// A connection to a machine that has vanished is still being tried long after its channel was closed.
process.exit(exitCode);
