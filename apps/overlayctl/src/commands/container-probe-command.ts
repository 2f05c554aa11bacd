import type { ProbeContainerRequest } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { withMaster } from '../connect-master.js';
import { parseProbeOptions, type TypedProbe } from '../parse-probe-options.js';
import { renderProbe } from '../render/render-probe.js';

/** Adds `container probe`. */
export function addContainerProbe(container: Command, context: CommandContext): void {
  container
    .command('probe')
    .description('ask the host of a container whether it answers; exit code 1 if it does not')
    .argument('<container>', 'container id, or one of its addresses')
    .argument('[command...]', 'with --exec: program and arguments, behind --')
    .option('--tcp <port>', 'open a TCP connection')
    .option('--http <port>', 'ask an HTTP server')
    .option('--path <path>', 'with --http: path and query (default: /)')
    .option('--https', 'with --http: over TLS, the certificate not verified')
    .option('--status <code>', 'with --http: the status to expect (default: 200 to 399)')
    .option('--contains <text>', 'with --http: text that the body must contain')
    .option('--grpc <port>', 'ask a gRPC health service')
    .option('--service <name>', 'with --grpc: the service to ask for (default: the whole server)')
    .option('--exec', 'run a command inside the container')
    .option('--agent <ip>', 'address of its agent, where ids are not unique')
    .option('--within <seconds>', 'how long the probe may take (default: 5)')
    .action(async (id: string, argv: readonly string[], typed: TypedProbe) => {
      const { probe, timeoutMs, agentIp } = parseProbeOptions(typed, argv);
      const request: ProbeContainerRequest = { container: id, probe, timeoutMs };
      const answer = await withMaster(context.globals(), (master) =>
        // The master waits a little longer than the probe may take.
        master.probeContainer({ probe: request, agentIp }, { timeoutMs: timeoutMs + ANSWER_MS }),
      );
      const result = answer.result ?? { healthy: false, detail: 'the master gave no result', durationMs: 0 };
      const { healthy, detail, durationMs } = result;
      printAnswer(context, {
        json: () => ({ healthy, detail, duration_ms: durationMs, agent_ip: answer.agentIp }),
        text: () => renderProbe(result, answer.agentIp),
      });
      if (!healthy) throw new OverlayError('failed_precondition', `${id} is unhealthy`);
    });
}

const ANSWER_MS = 5_000;
