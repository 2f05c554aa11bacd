// Leads, prints its epoch, and commits a claim a line that it reads; tells how each commit and the leadership end.
import { createInterface } from 'node:readline';
import { openEtcdOverlayLog } from '@overlay/overlay-log';

const [prefix, ...endpoints] = process.argv.slice(2);
const log = openEtcdOverlayLog({ endpoints, prefix, leaseTtlSeconds: 1 });
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);

const { fence, lost } = await log.campaign('child', new AbortController().signal);
lost.addEventListener('abort', () => say('lost'));
say('leads', fence.epoch);

for await (const value of createInterface({ input: process.stdin })) {
  const record = { kind: 'claim', claim: { resource: 'block', value, nodeId: 'child' } };
  await log.commit([{ op: 'create', record }], fence).then(
    () => say('committed', value),
    ({ code }) => say('failed', value, code),
  );
}
