/** A range of addresses. */
export interface Prefix {
  readonly bits: 32 | 128;
  /** First address as an integer. */
  readonly first: bigint;
  readonly length: number;
}

const LENGTH = /^\d{1,3}$/;

/** Parses `address/length`; undefined for anything else. Host bits are cut off. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address = '', lengthText = ''] = text.split('/');
  const bits = address.includes(':') ? 128 : 32;
  const length = LENGTH.test(lengthText) ? Number(lengthText) : Number.NaN;
  const value = bits === 128 ? parseIpv6(address) : parseIpv4(address);
  if (value === undefined || !(length >= 0 && length <= bits)) return undefined;
  const hostBits = BigInt(bits - length);
  return { bits, first: (value >> hostBits) << hostBits, length };
}

/** Number of addresses. */
export function prefixSize({ bits, length }: Prefix): bigint {
  return 1n << BigInt(bits - length);
}

/** The prefix as people write it. */
export function formatPrefix({ bits, first, length }: Prefix): string {
  return `${bits === 32 ? formatIpv4(first) : formatIpv6(first)}/${length}`;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !LENGTH.test(part) || Number(part) > 255)) return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array.from({ length: missing }, () => '0'), ...after];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** The groups of one side of `::`, an IPv4 tail (RFC 4291 2.2) taken for two of them. */
function groupsOf(side: string): readonly string[] {
  if (side === '') return [];
  return side.split(':').flatMap((group) => {
    const ipv4 = group.includes('.') ? parseIpv4(group) : undefined;
    return ipv4 === undefined ? [group] : [(ipv4 >> 16n).toString(16), (ipv4 & 0xffffn).toString(16)];
  });
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
}

/** RFC 5952: lower case, the longest run of two zero groups or more is `::`. */
function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(16 * (7 - index))) & 0xffffn).toString(16),
  );
  let longest = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > longest.length) longest = { start, length };
  }
  if (longest.length < 2) return groups.join(':');
  const tail = groups.slice(longest.start + longest.length);
  return `${groups.slice(0, longest.start).join(':')}::${tail.join(':')}`;
}
