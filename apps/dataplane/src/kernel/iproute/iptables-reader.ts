import type { DockerAccept, DockerChain } from '../kernel-object.js';
import type { CallOptions, SilentHelper } from '../kernel-tables.js';
import { type CommandRunner, outputOf } from './command-runner.js';
import { IPTABLES, iptablesTool, legacyTablesFile, parseDockerAccepts } from './docker-accepts.js';
import { silentHelper } from './helper-runner.js';

/** Docker's chains and our rules in them. */
export interface DockerRules {
  readonly chains: readonly DockerChain[];
  readonly accepts: readonly DockerAccept[];
  /** Why some of it could not be read. */
  readonly silent: readonly SilentHelper[];
}

const NONE: DockerRules = { chains: [], accepts: [], silent: [] };

/**
 * Reads Docker's chain in both rule sets and both families. A rule set whose tools are not installed has none; one whose tool
 * does not answer is left out.
 */
export async function readDockerRules(runner: CommandRunner, options: CallOptions): Promise<DockerRules> {
  const found = await Promise.all(
    IPTABLES.map(async (chain): Promise<DockerRules> => {
      try {
        const accepts = parseDockerAccepts(await savedFilter(runner, chain, options), chain);
        return accepts === undefined ? NONE : { ...NONE, chains: [chain], accepts };
      } catch (thrown) {
        return { ...NONE, silent: [silentHelper('docker-accept', thrown)] };
      }
    }),
  );
  return {
    chains: found.flatMap(({ chains }) => chains),
    accepts: found.flatMap(({ accepts }) => accepts),
    silent: found.flatMap(({ silent }) => silent),
  };
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
