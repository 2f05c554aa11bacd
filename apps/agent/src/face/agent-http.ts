import { type DcosAgent, type ListenAddress, renderDcosAgent, type TlsFiles } from '@overlay/model';
import {
  type HttpServer,
  type Logger,
  type Metrics,
  type Readiness,
  startHttpServer,
} from '@overlay/service';
import type { AgentState } from '../agent-state.js';

/** What `GET /overlay-agent/overlay` answers. */
export interface AgentView extends DcosAgent {
  readonly configuration_attempts: number;
  /** Why the masters refuse this node; absent while they do not. */
  readonly registration_error?: string;
}

/** The agent as HTTP shows it; before the first registration without overlays. */
function renderAgentView(state: AgentState, configuredIp: string | undefined): AgentView {
  const { assignment, rejection } = state;
  const agent: DcosAgent =
    assignment === undefined ? { ip: configuredIp ?? '', overlays: [] } : renderDcosAgent(assignment);
  return {
    ...agent,
    configuration_attempts: state.configurationAttempts,
    ...(rejection === undefined ? {} : { registration_error: rejection }),
  };
}

/** Starts the agent's HTTP face: its view of itself, health, readiness and metrics. */
export function startAgentHttp(options: {
  readonly address: ListenAddress;
  readonly tls?: TlsFiles | undefined;
  readonly configuredIp: string | undefined;
  readonly state: AgentState;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
}): Promise<HttpServer> {
  const { state, logger, metrics, readiness, configuredIp } = options;
  return startHttpServer({
    listen: { key: 'listen.http', address: options.address },
    logger,
    probes: { readiness, metrics },
    tls: options.tls,
    routes(server) {
      for (const path of ['/overlay-agent/overlay', '/overlay-agent/overlays']) {
        server.get(path, async () => renderAgentView(state, configuredIp));
      }
    },
  });
}
