import { describe, expect, it } from '@jest/globals';
import { masterConfiguration } from './master-config.js';
import { renderConfigDoc } from './render-config-doc.js';

describe('renderConfigDoc', () => {
  it('has one row for each key, in order', () => {
    const rows = renderConfigDoc(masterConfiguration)
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const paths = masterConfiguration.describe().map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(20);
    expect(rows.map((row) => row.split('`')[1])).toEqual(paths);
  });

  it('shows type, default and meaning, and keeps the table whole', () => {
    const page = renderConfigDoc({
      app: 'overlay-test',
      describe: () => [
        { path: 'a.b', type: 'x | y', default: '1', meaning: 'Folder of <name>.conf.' },
        { path: 'c', type: 'text', meaning: 'No default.' },
      ],
    });
    expect(page).toContain('# Configuration of overlay-test\n');
    expect(page).toContain('| `a.b` | x \\| y | `1` | Folder of &lt;name&gt;.conf. |\n');
    expect(page).toContain('| `c` | text |  | No default. |\n');
  });
});
