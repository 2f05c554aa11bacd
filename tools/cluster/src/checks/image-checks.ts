import { docker } from '../engine/engine.js';
import type { Check, CheckedCluster } from './check.js';
import { wrong } from './require.js';

/** File names of what turns sources into programs, and of what would fetch it. */
const COMPILERS = [
  ...['cc', 'cc1', 'c++', 'gcc', 'gcc-*', 'g++', 'clang*', 'as', 'ld', 'make', 'go', 'rustc'],
  ...['tsc', 'tsgo', 'esbuild', 'npm', 'npx'],
];

/** What must not be in an image: how it is called, and what find(1) is to look for. */
const UNWANTED: readonly (readonly [string, readonly string[]])[] = [
  // A folder of that name is none.
  ['a compiler', [...named(COMPILERS), '-type', 'f', '-perm', '/111']],
  ['a source map', ['-path', '/opt/*', ...named(['*.map'])]],
  ['a TypeScript source', ['-path', '/opt/*', ...named(['*.ts', '*.tsx', '*.mts', '*.cts'])]],
  ['a secret', named(['*.key', 'id_rsa*', '.npmrc', '.env', '.git-credentials', '.docker'])],
  [
    'what is for development',
    ['-path', '/opt/*', '-type', 'd', ...named(['jest', '@swc', 'typescript', 'nx', '@biomejs'])],
  ],
];

/**
 * One script for all of it, for each container that is started costs more, and one walk, for each goes through as many
 * files as the disk has to be asked for. It prints `what: path` for what it finds.
 */
const SEARCH = [
  `find / -xdev ${UNWANTED.map(
    ([what, expression]) => `'(' ${[...expression, '-printf', `${what}: %p\\n`].map(quote).join(' ')} ')'`,
  ).join(' , ')}`,
  // A path of the machine that built the image tells more about it than anybody needs to know.
  "grep -rl --include='*.js' 'sourceMappingURL=data:' /opt /usr/local | sed 's/^/an inline source map: /'",
].join('\n');

const SEARCH_MS = 240_000;

/** What overlay-dataplane and the CNI plugin start, with what comes in the same packages. */
const TOOLS = ['ip', 'bridge', 'nft', 'iptables', 'iptables-legacy', 'ip6tables', 'ethtool', 'perl'];

/** What images hold and whom their processes are. */
export const imageChecks: readonly Check[] = [
  { name: 'images: no compilers, sources, source maps or secrets', run: searchImages },
  { name: 'images: the tools of the dataplane are there', run: checkTools },
  {
    name: 'images: master and ipam are nobody special, the others have few capabilities',
    run: checkPrivileges,
  },
];

async function searchImages({ stack }: CheckedCluster): Promise<string> {
  const ids = [...(await stack.containers()).values()].map(({ id }) => id);
  const listed = await docker(stack.engine, ['inspect', '--format', '{{.Config.Image}}', ...ids]);
  const tags = new Set(listed.trim().split('\n'));
  const own = [...tags].filter((tag) => !tag.startsWith('overlay-engine:'));
  const search = ['run', '--rm', '--network', 'none', '--user', '0', '--entrypoint', 'sh'];
  await Promise.all(
    own.map(async (tag) => {
      const found = await docker(stack.engine, [...search, tag, '-euc', SEARCH], { timeoutMs: SEARCH_MS });
      if (found.trim() !== '') throw wrong(`${tag} has ${found.trim().split('\n').slice(0, 5).join(', ')}`);
    }),
  );
  return `${own.length} images`;
}

async function checkTools({ stack }: CheckedCluster): Promise<string> {
  const missing = `for tool in ${TOOLS.join(' ')}; do command -v $tool >/dev/null || echo $tool; done`;
  const { stdout } = await stack.exec('dataplane-1', ['sh', '-c', missing]);
  if (stdout.trim() !== '') throw wrong(`the image has no ${stdout.trim().split('\n').join(', no ')}`);
  return `${TOOLS.length} tools`;
}

async function checkPrivileges(cluster: CheckedCluster): Promise<string> {
  const { stack } = cluster;
  const processes: readonly (readonly [string, string, string])[] = [
    ['master-1', '10001', '0000000000000000'],
    ['ipam-1', '10001', '0000000000000000'],
    ['agent-1', '0', '0000000000000002'], // DAC_OVERRIDE
    ['dataplane-1', '0', '0000000000003000'], // NET_ADMIN, NET_RAW
  ];
  for (const [service, user, capabilities] of processes) {
    const app = service.slice(0, -2);
    const { stdout } = await stack.exec(service, [
      'sh',
      '-c',
      `cat $(grep -lsaE '^node.*/apps/${app}/' /proc/[0-9]*/cmdline | sed s/cmdline/status/ | head -n 1)`,
    ]);
    const [uid, effective] = [/^Uid:\s+(\d+)/m, /^CapEff:\s+(\w+)/m].map((field) => field.exec(stdout)?.[1]);
    if (uid !== user || effective !== capabilities) {
      throw wrong(
        `${service} runs as ${uid} with capabilities ${effective} instead of ${user} with ${capabilities}`,
      );
    }
  }
  return processes
    .map(([service, , bits]) => `${service} ${Number.parseInt(bits, 16).toString(16)}`)
    .join(', ');
}

/** Any of these file names, as an expression of find(1). */
function named(patterns: readonly string[]): readonly string[] {
  return [
    '(',
    ...patterns.flatMap((pattern, index) => [...(index === 0 ? [] : ['-o']), '-name', pattern]),
    ')',
  ];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
