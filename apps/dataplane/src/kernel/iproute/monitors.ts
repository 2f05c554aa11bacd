import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { parseIpAddress } from '@overlay/allocation';
import type { KernelEvent, KernelWatch } from '../kernel-watch.js';
import { ADMISSION_SET, ADMISSION_TABLE, DOCKER_CHAIN, NFT_TABLE } from '../ownership.js';
import { parseIpEvent } from './parse-ip-event.js';

const IP_OBJECTS = ['link', 'address', 'neigh', 'route', 'nexthop', 'rule', 'netconf'];
/** A monitor that outlives a killed dataplane would run until its next event finds the pipe broken. */
const DIES_WITH_US = ['setpriv', '--pdeathsig', 'TERM'];
const OUR_TABLE = new RegExp(
  `^(?:add|delete|create|insert|replace) \\S+ inet (?:${NFT_TABLE}|${ADMISSION_TABLE})(?: |$)`,
);
/** Docker's chain in the tables of iptables-nft, or the whole table of its. */
const DOCKER = new RegExp(
  `^(?:add|delete|create|insert|replace) (?:(?:rule|chain) ip6? filter ${DOCKER_CHAIN}(?: |$)|table ip6? filter)`,
);
const ELEMENT = new RegExp(`^(add|delete) element inet ${ADMISSION_TABLE} ${ADMISSION_SET} \\{ (\\S+) \\}`);

/**
 * Links, addresses, neighbour and forwarding entries, routes, nexthops, rules and forwarding settings, by `ip monitor`.
 * @param prefix a command that runs the rest of its arguments elsewhere
 */
export function ipMonitor(prefix: readonly string[] = []): KernelWatch {
  const argv = [...prefix, ...DIES_WITH_US, 'ip', '-N', '-o', 'monitor', 'label', ...IP_OBJECTS];
  return monitor('ip monitor', argv, parseIpEvent);
}

/** Changes of our nftables tables and of Docker's chain in iptables-nft, by `nft monitor`. */
export function nftMonitor(prefix: readonly string[] = []): KernelWatch {
  return monitor('nft monitor', [...prefix, ...DIES_WITH_US, 'nft', 'monitor'], parseNftEvent);
}

/** One line of `nft monitor`: `add rule inet overlay postrouting …`, `# new generation 2 by process …`. */
export function parseNftEvent(line: string): KernelEvent | undefined {
  const [, verb, address] = ELEMENT.exec(line) ?? [];
  if (address !== undefined) {
    const object = { kind: 'admission', address: parseIpAddress(address) } as const;
    return { type: 'entry', object, gone: verb === 'delete', marked: true };
  }
  if (OUR_TABLE.test(line)) return { type: 'nftables' };
  if (DOCKER.test(line)) return { type: 'docker' };
  return /error/i.test(line) ? { type: 'lost' } : undefined;
}

function monitor(
  name: string,
  argv: readonly string[],
  parse: (line: string) => KernelEvent | undefined,
): KernelWatch {
  return {
    name,
    async *watch(signal) {
      const [file = name, ...args] = argv;
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      const lines = new PassThrough({ encoding: 'utf8' });
      child.stdout.pipe(lines);
      child.stderr.pipe(lines, { end: false });
      child.on('error', () => lines.end());
      const stop = () => child.kill();
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      try {
        yield* parsed(lines, parse);
      } finally {
        signal.removeEventListener('abort', stop);
        child.kill();
      }
    },
  };
}

async function* parsed(
  chunks: AsyncIterable<string>,
  parse: (line: string) => KernelEvent | undefined,
): AsyncIterable<readonly KernelEvent[]> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    const events = lines.map(parse).filter((event) => event !== undefined);
    if (events.length > 0) yield events;
  }
}
