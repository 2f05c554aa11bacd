import type { Configuration } from './configuration.js';

/**
 * The reference page of an app's configuration in Markdown: every key with type, default and meaning, in the
 * order of the schema.
 */
export function renderConfigDoc(configuration: Pick<Configuration<unknown>, 'app' | 'describe'>): string {
  const { app } = configuration;
  const rows = configuration.describe().map((key) => {
    const standard = key.default === undefined ? '' : code(key.default);
    return `| ${[code(key.path), cell(key.type), standard, cell(key.meaning)].join(' | ')} |`;
  });
  return [
    `# Configuration of ${app}`,
    '',
    `\`${app} --config FILE\` reads it in YAML or JSON; without a file every default holds. A dot stands for a block`,
    'inside a block, `[]` for each entry of a list. A key that is not listed here is an error.',
    `\`${app} --config FILE --check-config\` lists everything that is wrong and starts nothing.`,
    '',
    '| key | value | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'This page is made from the schema by `npm run docs`.',
    '',
  ].join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
