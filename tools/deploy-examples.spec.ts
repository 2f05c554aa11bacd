import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  agentConfiguration,
  type Configuration,
  dataplaneConfiguration,
  dockerIpamConfiguration,
  ipamConfiguration,
  masterConfiguration,
} from '@overlay/model';
import { parse } from 'yaml';

const EXAMPLES = join(__dirname, '../deploy/examples');
const UNITS = join(__dirname, '../deploy/systemd');

const CONFIGURATION_OF: Readonly<Record<string, Configuration<unknown>>> = {
  'one-master.yaml': masterConfiguration,
  'three-masters.yaml': masterConfiguration,
  'host-agent.yaml': agentConfiguration,
  'gateway-agent.yaml': agentConfiguration,
  'host-ipam.yaml': ipamConfiguration,
  'host-docker-ipam.yaml': dockerIpamConfiguration,
  'host-dataplane.yaml': dataplaneConfiguration,
};

describe('deploy', () => {
  it.each(readdirSync(EXAMPLES))('has a right example in %s', (name) => {
    const configuration = CONFIGURATION_OF[name];
    const raw: unknown = parse(readFileSync(join(EXAMPLES, name), 'utf8'));
    expect(configuration?.parse(raw)).toMatchObject({ logLevel: 'info' });
  });

  it('has a unit for every process, started with its configuration', () => {
    const units = readdirSync(UNITS);
    expect(units).toHaveLength(5);
    for (const unit of units) {
      const [, app] = /^overlay-(.+)\.service$/.exec(unit) ?? [];
      const text = readFileSync(join(UNITS, unit), 'utf8');
      expect(text).toContain(`ExecStart=/opt/overlay/bin/overlay-${app} --config /etc/overlay/${app}.yaml`);
    }
  });
});
