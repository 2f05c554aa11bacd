import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  agentConfiguration,
  type Configuration,
  dataplaneConfiguration,
  ipamConfiguration,
  masterConfiguration,
} from '@overlay/model';
import { parse } from 'yaml';

const FOLDER = join(__dirname, '../../../../deploy/compose');
const COMPOSE = readFileSync(join(__dirname, '../../../../docker-compose.yml'), 'utf8');

const configurationOf = (name: string): Configuration<unknown> | undefined =>
  name.startsWith('master-')
    ? masterConfiguration
    : {
        'agent.yaml': agentConfiguration,
        'ipam.yaml': ipamConfiguration,
        'dataplane.yaml': dataplaneConfiguration,
      }[name];

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));

describe('the configurations of the compose cluster', () => {
  it.each(files)('%s is right, and mounted', (name) => {
    const raw: unknown = parse(readFileSync(join(FOLDER, name), 'utf8'));
    expect(configurationOf(name)?.parse(raw)).toMatchObject({ logLevel: 'info' });
    expect(COMPOSE).toContain(`./deploy/compose/${name}:/etc/overlay/`);
  });

  it('give every master its own address and the same networks', () => {
    const masters = files
      .filter((name) => name.startsWith('master-'))
      .map(
        (name) => parse(readFileSync(join(FOLDER, name), 'utf8')) as { advertise: string; network: unknown },
      );
    expect(new Set(masters.map(({ advertise }) => advertise)).size).toBe(3);
    for (const { network } of masters) expect(network).toEqual(masters[0]?.network);
  });
});
