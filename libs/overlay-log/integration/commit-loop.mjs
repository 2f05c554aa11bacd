// Commits batches of two records for ever and prints the number of each that was acknowledged.
import { openEmbeddedOverlayLog } from '@overlay/overlay-log';

const [dir, first] = process.argv.slice(2);
const log = await openEmbeddedOverlayLog({ dir });
const { fence } = await log.campaign('child', new AbortController().signal);
const claim = (value) => ({
  op: 'create',
  record: { kind: 'claim', claim: { resource: 'block', value, nodeId: 'n1' } },
});

async function commitForever(lane) {
  for (let number = Number(first); ; number += 1) {
    const name = `${lane}-${number}`;
    await log.commit([claim(`${name}-a`), claim(`${name}-b`)], fence);
    process.stdout.write(`${name}\n`);
  }
}

await Promise.all(['p', 'q', 'r', 's'].map(commitForever));
