import type { DockerAccept, DockerChain, IptablesBackend } from '../kernel-object.js';
import type { KernelChange } from '../kernel-tables.js';
import { DOCKER_CHAIN, DOCKER_COMMENT } from '../ownership.js';

/** Both rule sets, in both families. */
export const IPTABLES: readonly DockerChain[] = [
  { backend: 'nft', family: 4 },
  { backend: 'nft', family: 6 },
  { backend: 'legacy', family: 4 },
  { backend: 'legacy', family: 6 },
];

/** The program that saves or restores one of the rule sets, for example `ip6tables-nft-save`. */
export function iptablesTool({ backend, family }: DockerChain, what: 'save' | 'restore'): string {
  return `${family === 4 ? 'iptables' : 'ip6tables'}-${backend}-${what}`;
}

/** The filter tables that the legacy backend has, as `/proc/net/{ip,ip6}_tables_names` list them. */
export function legacyTablesFile(family: DockerChain['family']): string {
  return `/proc/net/${family === 4 ? 'ip' : 'ip6'}_tables_names`;
}

const CHAIN_LINE = new RegExp(`^:${DOCKER_CHAIN} `, 'm');
const RULE_LINE = new RegExp(
  `^-A ${DOCKER_CHAIN} (.*-m comment --comment "?${DOCKER_COMMENT}"?(?: .*)?)$`,
  'gm',
);

/** Our rules in what `iptables-save -t filter` prints; undefined if Docker's chain is not there. */
export function parseDockerAccepts(saved: string, chain: DockerChain): readonly DockerAccept[] | undefined {
  if (!CHAIN_LINE.test(saved)) return undefined;
  return [...saved.matchAll(RULE_LINE)].map(([, rule = '']) => ({ kind: 'docker-accept', ...chain, rule }));
}

/** The lines of Docker's chain, for comparison. */
export function dockerChainLines(saved: string): string {
  return saved
    .split('\n')
    .filter((line) => line.includes(` ${DOCKER_CHAIN} `) || line.startsWith(`:${DOCKER_CHAIN} `))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ''))
    .join('\n');
}

/**
 * The `iptables-restore --noflush` text that makes changes in one rule set, one transaction. New rules go in front:
 * what is behind Docker's own `RETURN` would never be reached.
 */
export function dockerScript(changes: readonly KernelChange[]): string {
  const lines = changes.flatMap(({ op, object }) => {
    if (object.kind !== 'docker-accept') return [];
    return [op === 'remove' ? `-D ${DOCKER_CHAIN} ${object.rule}` : `-I ${DOCKER_CHAIN} 1 ${object.rule}`];
  });
  return `*filter\n${lines.join('\n')}\nCOMMIT\n`;
}

/** The rule set that an object belongs to, as a word. */
export function ruleSetOf({ backend, family }: DockerChain): `${IptablesBackend} ${DockerChain['family']}` {
  return `${backend} ${family}`;
}
