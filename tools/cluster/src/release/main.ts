import { fileURLToPath } from 'node:url';
import { assembleRelease } from './assemble-release.js';

/** `node tools/cluster/dist/release/main.js FOLDER`: what deploy/Dockerfile runs where nobody has assembled it. */
const [target] = process.argv.slice(2);
if (target === undefined) {
  process.stderr.write('usage: main.js FOLDER\n');
  process.exitCode = 2;
} else {
  assembleRelease(fileURLToPath(new URL('../../../..', import.meta.url)), target);
}
