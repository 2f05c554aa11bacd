import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { listServices, planComposeFile } from './compose-file.js';

interface Service {
  readonly image: string;
  readonly build?: { readonly dockerfile: string };
  readonly network_mode?: string;
  readonly pid?: string;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly networks?: { readonly underlay: Readonly<Record<string, string>> };
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: unknown;
}

const ROOT = join(__dirname, '../../../..');
const OWN = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const own = parse(OWN, { merge: true, maxAliasCount: -1 }) as ComposeFile;
const planned = (hosts: number) => parse(planComposeFile(OWN, hosts)) as ComposeFile;

describe('the compose file', () => {
  it('of three hosts is the one of the repository', () => {
    const { services, volumes, networks } = planned(3);
    expect(services).toEqual(own.services);
    expect(volumes).toEqual(own.volumes);
    expect(networks).toEqual(own.networks);
  });

  it('of five hosts has two more, each with its own names, addresses and port', () => {
    const { services, volumes } = planned(5);
    expect(services['host-5']?.networks?.underlay).toEqual({
      ipv4_address: '10.66.0.35',
      ipv6_address: 'fd66::35',
    });
    expect(services['host-5']?.ports).toEqual(['127.0.0.1:15155:5051']);
    expect(services['agent-5']).toMatchObject({ network_mode: 'service:host-5', pid: 'service:host-5' });
    expect(Object.keys(services['agent-5']?.depends_on ?? {})).toEqual(['dataplane-5', 'ipam-5']);
    expect(services['agent-5']?.volumes).toContain('agent-5:/var/lib/overlay/agent');
    expect(services['agent-5']?.volumes).toContain('./deploy/compose/agent.yaml:/etc/overlay/agent.yaml:ro');
    expect(services['workload-docker-5']?.command).toEqual(['docker-5']);
    expect(Object.keys(volumes)).toContain('cni-5');
  });

  it('of two hosts has one less, and as many masters', () => {
    const names = Object.keys(planned(2).services);
    expect(names.filter((name) => name.endsWith('-3'))).toEqual(['etcd-3', 'master-3']);
  });

  it.each([3, 5])('of %d hosts has every image built by one service', (hosts) => {
    const services = Object.values(planned(hosts).services);
    const built = services.flatMap(({ build, image }) => (build === undefined ? [] : [{ ...build, image }]));
    for (const { dockerfile } of built) expect(existsSync(join(ROOT, dockerfile))).toBe(true);
    const images = built.map(({ image }) => image).sort();
    expect(images).toEqual([...new Set(services.map(({ image }) => image))].sort());
    expect(images).toHaveLength(4);
  });

  // docker-compose 1.29 goes in the order of the file, and would ask a registry for what nobody has built yet.
  it('has an image built by the first service that has it', () => {
    const seen = new Set<string>();
    for (const { image, build } of Object.values(own.services)) {
      expect({ image, built: build !== undefined }).toEqual({ image, built: !seen.has(image) });
      seen.add(image);
    }
  });

  it.each([
    ['workload', ['workload-cni-2', 'workload-docker-2'], ['engine-2']],
    ['docker', ['workload-cni-2', 'engine-2'], ['workload-docker-2']],
  ])('has with the profile %s %j and not %j', (profile, present, absent) => {
    const services = listServices(OWN, profile);
    expect(services).toEqual(
      expect.arrayContaining(['etcd-1', 'master-3', 'agent-2', 'outside', ...present]),
    );
    expect(services.filter((name) => absent.includes(name))).toEqual([]);
    expect(services).toHaveLength(28);
  });

  it('names nothing that is not there', () => {
    for (const hosts of [2, 3, 12]) {
      const { services, volumes } = planned(hosts);
      for (const { depends_on = {}, network_mode, volumes: mounts = [] } of Object.values(services)) {
        for (const name of Object.keys(depends_on)) expect(services).toHaveProperty([name]);
        const owner = /^service:(.+)/.exec(network_mode ?? '')?.[1];
        if (owner !== undefined) expect(services).toHaveProperty([owner]);
        for (const mount of mounts.filter((text) => !text.startsWith('.'))) {
          expect(volumes).toHaveProperty([mount.split(':')[0] ?? '']);
        }
      }
      const addresses = Object.values(services).flatMap(({ networks }) =>
        Object.values(networks?.underlay ?? {}),
      );
      expect(new Set(addresses).size).toBe(addresses.length);
    }
  });
});
