import { HealthCheckResponse_ServingStatus, HealthService } from '@overlay/contracts';
import { toOverlayError } from '@overlay/failure';
import { formatListenAddress } from '@overlay/model';
import { createRpcClient } from '@overlay/rpc';
import { healthy, type ProbeFinding, unhealthy } from './probe-finding.js';

/** Where and what is asked. */
export interface GrpcHealthQuestion {
  readonly ip: string;
  readonly port: number;
  /** Name of a service; '' for the server as a whole. */
  readonly service: string;
  readonly timeoutMs: number;
}

/** Asks the standard health service, `grpc.health.v1.Health`, in plaintext. */
export async function probeGrpc(
  { ip, port, service, timeoutMs }: GrpcHealthQuestion,
  signal: AbortSignal,
): Promise<ProbeFinding> {
  const target = formatListenAddress({ kind: 'tcp', host: ip, port });
  const client = createRpcClient(HealthService, { target });
  const what = service === '' ? 'the server' : service;
  try {
    const { status } = await client.check({ service }, { timeoutMs, signal });
    if (status === HealthCheckResponse_ServingStatus.SERVING) return healthy(`${what} is serving`);
    return unhealthy(`${what} is ${nameOf(status)}`);
  } catch (thrown) {
    const { code, message } = toOverlayError(thrown);
    if (code === 'deadline_exceeded' || signal.aborted) return unhealthy(`no answer on port ${port} in time`);
    if (code === 'not_found') return unhealthy(`the server knows no service ${what}`);
    return unhealthy(message);
  } finally {
    client.close();
  }
}

function nameOf(status: HealthCheckResponse_ServingStatus): string {
  const name = Object.entries(HealthCheckResponse_ServingStatus).find(([, number]) => number === status)?.[0];
  return name ?? `in the unknown status ${status}`;
}
