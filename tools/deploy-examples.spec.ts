import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

const ROOT = join(__dirname, '..');
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

  it('installs with its commands whatever the units that they start run with', () => {
    const commands =
      /```sh\n([\s\S]+?)```/.exec(readFileSync(join(ROOT, 'deploy/README.md'), 'utf8'))?.[1] ?? '';
    const host = mkdtempSync(join(tmpdir(), 'overlay-deploy-'));
    const on = (path: string) => join(host, path);
    try {
      const installs = commands
        .split('\n')
        .filter((line) => line.startsWith('install '))
        .map((line) => line.replaceAll(/ (\/(?:etc|usr))/g, ` ${host}$1`).replaceAll('/opt/overlay/', ''));
      execFileSync('mkdir', ['-p', on('etc/systemd/system')]); // every host with systemd has it
      execFileSync('sh', ['-e'], { cwd: ROOT, input: installs.join('\n') });
      const started = /^systemctl enable --now (.+)$/m.exec(commands)?.[1]?.split(' ') ?? [];
      expect(started).toEqual(['overlay-dataplane', 'overlay-ipam', 'overlay-agent']);
      for (const unit of started) {
        const text = readFileSync(on(`etc/systemd/system/${unit}.service`), 'utf8');
        expect(existsSync(on(/--config (\S+)/.exec(text)?.[1] ?? 'none'))).toBe(true);
      }
      expect(existsSync(on('usr/lib/cni/overlay-ipam'))).toBe(true);
    } finally {
      rmSync(host, { recursive: true, force: true });
    }
  });

  it('lets the dataplane write the tables of iptables-legacy, in its unit and in the compose cluster', () => {
    const unit = readFileSync(join(UNITS, 'overlay-dataplane.service'), 'utf8');
    const granted = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(' ');
    expect(granted).toEqual(expect.arrayContaining(['CAP_NET_ADMIN', 'CAP_NET_RAW']));
    const compose: unknown = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true });
    expect(compose).toMatchObject({
      'x-dataplane': { cap_add: expect.arrayContaining(['NET_ADMIN', 'NET_RAW']) },
    });
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
