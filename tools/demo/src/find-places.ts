import { HOST_HTTP, type Testbed } from '@overlay/testbed';
import type { DemoPlaces } from './report.js';

/** Where a person finds state, metrics and the web page of a running demo. */
export async function findPlaces(testbed: Testbed): Promise<DemoPlaces> {
  const { httpUrl } = testbed.master;
  const inside = testbed.hosts.flatMap((host) =>
    Object.values(HOST_HTTP).map((address) => `${host.enter.join(' ')} curl http://${address}/metrics`),
  );
  const page = `${httpUrl}/`;
  const answer = await fetch(page, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  return {
    grpc: testbed.master.grpcAddress,
    state: `${httpUrl}/overlay-master/state`,
    metrics: [`${httpUrl}/metrics`, ...inside],
    ...(answer?.ok === true ? { page } : {}),
  };
}
