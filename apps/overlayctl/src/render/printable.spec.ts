import { describe, expect, it } from '@jest/globals';
import { printable, printableLines } from './printable.js';

describe('printable', () => {
  it.each([
    ['a colour', 'a\u001b[31mb', 'a [31mb'],
    ['the title of the window', 'a\u001b]0;title\u0007b', 'a ]0;title b'],
    ['an 8-bit control sequence', 'a\u009b2Jb', 'a 2Jb'],
    ['tabs and ends of lines', 'a\tb\r\nc\u2028d', 'a b c d'],
    ['turned directions', 'a\u202egnp.exe\u202c\u2066b\u2069\u200f', 'a gnp.exe b'],
  ])('leaves no place for %s', (_what, text, shown) => {
    expect(printable(text)).toBe(shown);
    expect(printableLines(text.replace('\n', ''))).toBe(shown);
  });

  it('leaves text of every language as it is', () => {
    for (const text of ['שלום', '网络', 'ü – €', '👩‍💻']) expect(printable(text)).toBe(text);
  });
});
