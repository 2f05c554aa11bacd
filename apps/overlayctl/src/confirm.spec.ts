import { describe, expect, it } from '@jest/globals';
import { confirm } from './confirm.js';
import { MemoryTerminal } from './memory-terminal.js';

describe('confirm', () => {
  it('says what it touches and takes only yes for yes', async () => {
    for (const answer of ['y', 'Yes', ' YES ']) {
      const terminal = new MemoryTerminal([answer]);
      await confirm(terminal, 'three agents', false);
      expect(terminal.warned).toEqual(['three agents']);
    }
    for (const answer of ['', 'n', 'yess', 'sure']) {
      await expect(confirm(new MemoryTerminal([answer]), 'three agents', false)).rejects.toMatchObject({
        code: 'aborted',
      });
    }
  });

  it('refuses where nobody can be asked, unless it was said beforehand', async () => {
    const terminal = new MemoryTerminal();
    await expect(confirm(terminal, 'three agents', false)).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    await confirm(terminal, 'three agents', true);
    expect(terminal.asked).toEqual([]);
  });
});
