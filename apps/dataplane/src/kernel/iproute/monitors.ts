import { spawn } from 'node:child_process';
import { PassThrough, Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
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
/** nft's own words, on its standard output, when the socket ran over or failed (`mnl_nft_event_listener`). */
const LOST = /^# ERROR: /;
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
  return LOST.test(line) ? { type: 'lost' } : undefined;
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
      const batches = new PassThrough({ objectMode: true });
      // Each by itself: what comes on the standard error may come in the middle of a line of the other.
      const sources = [child.stdout, child.stderr].map((text) =>
        text.setEncoding('utf8').pipe(eventsOf(parse)),
      );
      for (const source of sources) source.pipe(batches, { end: false });
      const end = () => batches.end();
      Promise.all(sources.map((source) => finished(source))).then(end, end);
      child.on('error', end);
      const stop = () => child.kill();
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      try {
        yield* batches as AsyncIterable<readonly KernelEvent[]>;
      } finally {
        signal.removeEventListener('abort', stop);
        child.kill();
      }
    },
  };
}

/** Text in, the events of its lines out, in batches. */
function eventsOf(parse: (line: string) => KernelEvent | undefined): Transform {
  let rest = '';
  return new Transform({
    decodeStrings: false,
    readableObjectMode: true,
    transform(chunk: string, _encoding, done) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      const events = lines.map(parse).filter((event) => event !== undefined);
      done(null, events.length > 0 ? events : undefined);
    },
  });
}
