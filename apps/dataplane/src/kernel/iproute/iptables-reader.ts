import type { DockerAccept, DockerChain } from '../kernel-object.js';
import type { CallOptions } from '../kernel-tables.js';
import { type CommandRunner, outputOf } from './command-runner.js';
import { IPTABLES, iptablesTool, legacyTablesFile, parseDockerAccepts } from './docker-accepts.js';

/** Docker's chains and our rules in them. */
export interface DockerRules {
  readonly chains: readonly DockerChain[];
  readonly accepts: readonly DockerAccept[];
}

/** Reads Docker's chain in both rule sets and both families. A rule set whose tools are not installed has none. */
export async function readDockerRules(runner: CommandRunner, options: CallOptions): Promise<DockerRules> {
  const found = await Promise.all(
    IPTABLES.map(async (chain) => {
      const saved = await savedFilter(runner, chain, options);
      const accepts = parseDockerAccepts(saved, chain);
      return accepts === undefined ? { chains: [], accepts: [] } : { chains: [chain], accepts };
    }),
  );
  return { chains: found.flatMap(({ chains }) => chains), accepts: found.flatMap(({ accepts }) => accepts) };
}

/**
 * The filter table of one rule set; empty if there is none. The legacy tools would make a table that is not there by
 * looking for it, so the kernel's list of tables is looked at first.
 */
export async function savedFilter(
  runner: CommandRunner,
  chain: DockerChain,
  { timeoutMs }: CallOptions,
): Promise<string> {
  if (chain.backend === 'legacy') {
    const tables = await outputOf(runner, 'cat', [legacyTablesFile(chain.family)], timeoutMs);
    if (!tables.split('\n').includes('filter')) return '';
  }
  return outputOf(runner, iptablesTool(chain, 'save'), ['-t', 'filter'], timeoutMs);
}
