import { describe, expect, it } from '@jest/globals';
import { createTerminal } from './terminal.js';

function written(isTTY: boolean, env: Readonly<Record<string, string>>): string {
  let text = '';
  const terminal = createTerminal({ isTTY, write: (more) => (text += more) }, env);
  terminal.line(terminal.paint.good('✓'));
  return text;
}

describe('the terminal', () => {
  it('has colours only where a person looks and wants them', () => {
    expect(written(true, {})).toBe('\u001b[32m✓\u001b[0m\n');
    expect(written(false, {})).toBe('✓\n');
    expect(written(true, { NO_COLOR: '1' })).toBe('✓\n');
  });
});
