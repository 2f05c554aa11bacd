import { describe, expect, it } from '@jest/globals';
import { attributesOf, keyOf } from '../kernel-object.js';
import type { KernelEvent } from '../kernel-watch.js';
import { parseNftEvent } from './monitors.js';
import { parseIpEvent } from './parse-ip-event.js';

/** The key and attributes of an entry, and whether it is there. */
function brief(event: KernelEvent | undefined) {
  if (event?.type !== 'entry') return event;
  const { object, gone, marked } = event;
  return { key: keyOf(object), attributes: attributesOf(object), gone, marked };
}

const entry = (key: string, attributes: string, gone = false) => ({ key, attributes, gone, marked: true });

describe('parseIpEvent', () => {
  it.each([
    [
      '[LINK]3: v@w: <BROADCAST,MULTICAST,M-DOWN> mtu 1500 qdisc noop master m-dcos state DOWN',
      { type: 'port', device: 'v', bridge: 'm-dcos' },
    ],
    [
      '[LINK]3: v@w: <BROADCAST,MULTICAST> mtu 1500 qdisc noop master docker0 state UP',
      { type: 'link', device: 'v', change: 'new' },
    ],
    ['[LINK]Deleted 2: vtep1024: <BROADCAST> mtu 1500', { type: 'link', device: 'vtep1024', change: 'gone' }],
    [
      '[LINK]2: vtep1024: <BROADCAST,MULTICAST> mtu 1420 qdisc noqueue state DOWN group 0 ',
      { type: 'link', device: 'vtep1024', change: 'down' },
    ],
    [
      '[LINK]2: vtep1024: <BROADCAST,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN group 0 event FEATURE CHANGE ',
      { type: 'link', device: 'vtep1024', change: 'up' },
    ],
    [
      '[LINK]4: strange: <BROADCAST,UP> mtu 1420 qdisc noqueue state UP group 0 \\    link/[1] 02:51:40:63:b2:ec brd ff:ff:ff:ff:ff:ff',
      { type: 'link', device: 'strange', change: 'up', mac: '02:51:40:63:b2:ec' },
    ],
    [
      '[ADDR]2: vtep1024    inet 44.128.0.2/20 scope 0 vtep1024\\',
      { type: 'address', device: 'vtep1024', address: '44.128.0.2/20', gone: false },
    ],
    [
      '[ADDR]Deleted 2: vtep1024    inet6 fd01:a::2/64 scope 0 nodad \\',
      { type: 'address', device: 'vtep1024', address: 'fd01:a::2/64', gone: true },
    ],
    [
      '[ADDR]Deleted 2: vtep1024    inet6 fe80::72b3:d5ff:fe80:2/64 scope 253 \\',
      { type: 'address', device: 'vtep1024', gone: true },
    ],
    [
      '[ADDR]2: vtep1024    inet 44.128.0.9 peer 1.2.3.4/32 scope 0 vtep1024\\',
      { type: 'address', device: 'vtep1024', gone: false },
    ],
    ['[NETCONF]inet vtep1024 rp_filter loose ', { type: 'sysctl', device: 'vtep1024' }],
    ['[NETCONF]inet6 all forwarding on ', { type: 'sysctl', device: 'all' }],
    [
      '[NEIGH]44.128.0.3 dev vtep1024 lladdr 70:b3:d5:80:00:03 PERMANENT ',
      entry('neighbour vtep1024 44.128.0.3', '70:b3:d5:80:00:03'),
    ],
    [
      '[NEIGH]fd01:a::3 dev vtep1024 FAILED ',
      entry('neighbour vtep1024 fd01:a::3', '00:00:00:00:00:00', true),
    ],
    [
      '[NEIGH]Deleted 10.0.0.4 dev vtep1024 lladdr 70:b3:d5:80:00:03 NOARP PERMANENT ',
      entry('fdb vtep1024 70:b3:d5:80:00:03', '10.0.0.4', true),
    ],
    [
      '[NEIGH]10.0.0.2 dev vtep1024 lladdr 70:b3:d5:80:00:03 NOARP PERMANENT ',
      entry('fdb vtep1024 70:b3:d5:80:00:03', '10.0.0.2'),
    ],
    [
      '[NEXTHOP]id 1333788675 via 44.128.0.3 dev vtep1024 scope 253 proto 142 ',
      entry('nexthop vtep1024 44.128.0.3', '1333788675'),
    ],
    ['[NEXTHOP]id 1333788675 via 10.0.0.9 dev eth0 scope 253 ', { type: 'nexthop-id', id: 1333788675 }],
    [
      '[NEXTHOP]Deleted id 101 via fd01:a::3 dev vtep1024 scope 253 proto 142 ',
      entry('nexthop vtep1024 fd01:a::3', '101', true),
    ],
    [
      '[ROUTE]9.0.2.0/24 nhid 100 via 44.128.0.3 dev vtep1024 proto 142 ',
      entry('route 254 9.0.2.0/24', 'nhid 100'),
    ],
    [
      '[ROUTE]Deleted 10.0.0.2 nhid 100 via 44.128.0.3 dev vtep1024 table 42 proto 142 ',
      entry('route 42 10.0.0.2/32', 'nhid 100', true),
    ],
    [
      '[ROUTE]7 fd01:b::/64 dev lo proto 142 metric 4278198272 pref medium',
      entry('route 254 unreachable fd01:b::/64', 'unreachable 4278198272'),
    ],
    [
      '[ROUTE]Deleted 6 9.0.2.0/24 tos 0x04 proto 142 metric 3 ',
      entry('route 254 9.0.2.0/24', 'blackhole tos 0x04 metric 3', true),
    ],
    [
      '[ROUTE]fd01:b::/64 nhid 7 via fd01:a::3 dev vtep1024 proto 142 metric 1024 pref medium',
      entry('route 254 fd01:b::/64', 'nhid 7'),
    ],
    ['[ROUTE]9.0.2.0/24 nhid 7 proto 142 metric 5 ', entry('route 254 9.0.2.0/24', ' nhid 7 metric 5')],
    ['[RULE]30042:\tfrom 9.0.0.0/8 lookup 42 proto 142', entry('rule 9.0.0.0/8', '42 30042')],
  ])('reads %s', (line, event) => {
    expect(brief(parseIpEvent(line))).toEqual(event);
  });

  it.each(['dev vtep1024 scope 253 ', 'via inet6 fe80::1 dev eth0 '])(
    'knows the routes of others, whatever they lead to: %s',
    (target) => {
      const event = parseIpEvent(`[ROUTE]9.0.2.0/24 ${target}`);
      expect(brief(event)).toMatchObject({ key: 'route 254 9.0.2.0/24', marked: false });
    },
  );

  it.each([
    '',
    '[ROUTE]2 44.128.0.2 dev vtep1024 table 255 proto 2 scope 254 src 44.128.0.2 ',
    '[ROUTE]default via 10.0.0.254 dev eth0 proto 4 ',
    '[ROUTE]100 as to 200 via inet 10.0.0.1 dev eth0 ',
    '[ROUTE]Deleted 100 via inet 10.0.0.1 dev eth0 proto 3 ',
    '[RULE]32765:\tfrom 9.0.0.0/8 lookup 42',
    '[NEXTHOP]id 5 dev eth0 ',
    '[NEIGH]10.0.0.7 dev ib0 lladdr 80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:0c:cb:a1 REACHABLE',
    '[NEIGH]Deleted 10.1.2.3 dev tunl0 lladdr 0.0.0.0 NOARP',
    '[NEIGH]fd00::7 dev ip6tnl0 lladdr fd00:1::9 PERMANENT ',
    '[NEIGH]dev m-dcos lladdr 3e:f2:86:94:0d:e5 PERMANENT ',
    '[NETCONF]Deleted inet vtep1024 ',
    '[ADDR]2: vtep1024    inet6 fe80::72b3:d5ff:fe80:2/64 scope 253 tentative \\',
  ])('passes over "%s"', (line) => {
    expect(parseIpEvent(line)).toBeUndefined();
  });

  it.each([
    'netlink receive error No buffer space available (105)',
    '[LINK]what',
    '[NEIGH]10.0.0.x dev vtep1024 PERMANENT',
  ])('takes "%s" as a gap', (line) => {
    expect(parseIpEvent(line)).toEqual({ type: 'lost' });
  });
});

describe('parseNftEvent', () => {
  it('sees our table and nobody else’s', () => {
    expect(parseNftEvent('delete rule inet overlay postrouting handle 2')).toEqual({ type: 'nftables' });
    expect(parseNftEvent('delete table inet overlay')).toEqual({ type: 'nftables' });
    const element = 'element inet overlay_admission peers { 10.0.0.3 }';
    expect(brief(parseNftEvent(`add ${element}`))).toEqual(entry('admission 10.0.0.3', ''));
    expect(brief(parseNftEvent(`delete ${element}`))).toEqual(entry('admission 10.0.0.3', '', true));
    for (const line of [
      'add rule ip nat POSTROUTING',
      'add table inet overlay2',
      '# new generation 2 by process 7',
    ])
      expect(parseNftEvent(line)).toBeUndefined();
  });

  it('knows its own errors from names that others give', () => {
    for (const line of ['# ERROR: We lost some netlink events!', '# ERROR: Bad file descriptor'])
      expect(parseNftEvent(line)).toEqual({ type: 'lost' });
    for (const line of [
      'add element inet f2b-table addr-set-nginx-4xx-errors { 203.0.113.9 }',
      'add rule ip filter ERROR counter packets 0 bytes 0 comment "# ERROR: "',
      '# new generation 2 by process 7 (ERROR: x)',
    ])
      expect(parseNftEvent(line)).toBeUndefined();
  });
});
