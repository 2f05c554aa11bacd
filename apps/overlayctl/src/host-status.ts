import type {
  GetOverlaysResponse,
  GetStatusResponse,
  IpamServiceGetCapacityResponse,
} from '@overlay/contracts';
import { explainFailure } from './explain-failure.js';
import type { GlobalOptions } from './global-options.js';

/** What one process said, or why it said nothing. */
export type HostPart<T> =
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'silent'; readonly reason: string };

/** How a host stands. */
export interface HostStatus {
  readonly agent: HostPart<GetOverlaysResponse>;
  readonly dataplane: HostPart<GetStatusResponse>;
  readonly ipam: HostPart<IpamServiceGetCapacityResponse>;
}

interface Closeable {
  close(): void;
}

/** Asks the host's processes at once. A process that fails is a part of the answer: this never rejects for it. */
export async function readHostStatus(
  sockets: GlobalOptions['sockets'],
  { timeoutMs, tls }: GlobalOptions,
): Promise<HostStatus> {
  const { createRpcClient } = await import('@overlay/rpc');
  const { AgentServiceService, DataplaneServiceService, IpamServiceService } = await import(
    '@overlay/contracts'
  );
  const settings = (target: string) => ({
    target,
    timeoutMs,
    tls: target.startsWith('unix:') ? undefined : tls,
  });
  const agent = createRpcClient(AgentServiceService, settings(sockets.agent));
  const dataplane = createRpcClient(DataplaneServiceService, settings(sockets.dataplane));
  const ipam = createRpcClient(IpamServiceService, settings(sockets.ipam));
  const [agentPart, dataplanePart, ipamPart] = await Promise.all([
    partOf('agent', sockets.agent, agent, agent.getOverlays({})),
    partOf('dataplane', sockets.dataplane, dataplane, dataplane.getStatus({})),
    partOf('ipam', sockets.ipam, ipam, ipam.getCapacity({ network: '' })),
  ]);
  return { agent: agentPart, dataplane: dataplanePart, ipam: ipamPart };
}

async function partOf<T>(
  name: keyof GlobalOptions['sockets'],
  target: string,
  client: Closeable,
  call: Promise<T>,
): Promise<HostPart<T>> {
  try {
    return { kind: 'answered', answer: await call };
  } catch (thrown) {
    const wayOut = `see whether it runs, or name its address with --${name}-socket`;
    const { message } = explainFailure(thrown, { server: `overlay-${name} at ${target}`, wayOut });
    return { kind: 'silent', reason: message };
  } finally {
    client.close();
  }
}
