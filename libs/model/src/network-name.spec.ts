import { describe, expect, it } from '@jest/globals';
import { parseNetworkId, parseNetworkName } from './network-name.js';
import { parseNodeId } from './node-id.js';

describe('parseNetworkName', () => {
  it.each(['d', 'dcos', '9net', 'a_b.c-d', 'abcdefghijklm'])('accepts %s', (name) => {
    expect(parseNetworkName(name)).toBe(name);
  });

  it.each([
    '',
    '-a',
    '.a',
    '_a',
    'a b',
    'a/b',
    'ä',
    'a\n',
    'abcdefghijklmn',
    'host',
    'bridge',
    'default',
    'none',
  ])('refuses %j and quotes it', (name) => {
    expect(() => parseNetworkName(name)).toThrow(`"${name}"`);
  });
});

describe.each([
  ['parseNetworkId', parseNetworkId],
  ['parseNodeId', parseNodeId],
])('%s', (_, parse: (text: string) => string) => {
  it('accepts 64 characters and refuses 65', () => {
    expect(parse('a'.repeat(64))).toHaveLength(64);
    expect(() => parse('a'.repeat(65))).toThrow('1 to 64 characters');
  });

  it.each(['', '../x', 'a/b', '-a', 'a b'])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(`"${text}"`);
  });
});
