import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  agentConfiguration,
  dataplaneConfiguration,
  dockerIpamConfiguration,
  ipamConfiguration,
  masterConfiguration,
  overlayctlConfiguration,
  renderConfigDoc,
} from '@overlay/model';

const FOLDER = join(__dirname, '../docs/config');
const CONFIGURATIONS = [
  masterConfiguration,
  agentConfiguration,
  ipamConfiguration,
  dockerIpamConfiguration,
  dataplaneConfiguration,
  overlayctlConfiguration,
];

describe('docs/config', () => {
  it.each(CONFIGURATIONS)('is current for $app (else: npm run docs)', (configuration) => {
    const page = readFileSync(join(FOLDER, `${configuration.app}.md`), 'utf8');
    expect(page).toBe(renderConfigDoc(configuration));
  });

  it('has a page for every program and no other', () => {
    const expected = CONFIGURATIONS.map(({ app }) => `${app}.md`);
    expect(readdirSync(FOLDER).toSorted()).toEqual(expected.toSorted());
  });
});
