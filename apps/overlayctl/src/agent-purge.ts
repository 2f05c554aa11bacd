import { execFile } from 'node:child_process';
import { OverlayError } from '@overlay/failure';

/** What overlay-agent removed and found of itself on this host, a text for each thing. */
export interface AgentPurge {
  readonly removed: readonly string[];
  readonly left: readonly string[];
  /** What stays on purpose. */
  readonly kept: readonly string[];
}

/** How overlay-agent is asked about what it left: it alone knows its files, so its own program does the work. */
export interface AgentPurgeOptions {
  /** Path of the program overlay-agent. */
  readonly program: string;
  /** Configuration of the agent; undefined for what an agent without one has. */
  readonly config: string | undefined;
  /** True to remove nothing. */
  readonly verify: boolean;
}

/** Docker may take its time for each network. */
const TIMEOUT_MS = 300_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

interface Ended {
  /** Undefined if it did not end by itself. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly reason: string;
}

/**
 * Removes, or lists, the CNI files and Docker networks that overlay-agent made on this host.
 * @throws OverlayError `failed_precondition` in the agent's own words: it runs, its configuration is wrong, or the
 * program cannot be started.
 */
export async function purgeAgentLeftovers(options: AgentPurgeOptions): Promise<AgentPurge> {
  const { exitCode, stdout, reason } = await runAgent(options);
  const purge = parseAgentPurge(stdout);
  if (exitCode === 0 || (exitCode === 1 && purge.left.length > 0)) return purge;
  const message = `overlay-agent cannot tell what it left on this host: ${reason}`;
  throw new OverlayError('failed_precondition', message);
}

/** Reads the lines of `overlay-agent --purge`: `removed`, `left` or `kept`, and what it is. */
export function parseAgentPurge(text: string): AgentPurge {
  const lines = text.split('\n');
  const after = (verb: string) =>
    lines.flatMap((line) => (line.startsWith(`${verb} `) ? [line.slice(verb.length + 1)] : []));
  return { removed: after('removed'), left: after('left'), kept: after('kept') };
}

function runAgent({ program, config, verify }: AgentPurgeOptions): Promise<Ended> {
  const args = [verify ? '--leftovers' : '--purge', ...(config === undefined ? [] : ['--config', config])];
  return new Promise((resolve) => {
    const limits = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    execFile(program, args, limits, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      const exitCode = typeof code === 'number' ? code : undefined;
      resolve({ exitCode, stdout, reason: stderr.trim() || (error?.message ?? `exit code ${exitCode}`) });
    });
  });
}
