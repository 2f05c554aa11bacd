import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = join(__dirname, '..');

/** What each kind of project may depend on (docs/architecture.md, "Boundaries"). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'type:app': ['type:service', 'type:adapter', 'type:domain', 'type:contracts'],
  'type:adapter': ['type:domain', 'type:contracts'],
  'type:service': ['type:domain'],
  'type:domain': ['type:domain'],
  'type:contracts': [],
  'type:testing': ['type:testing', 'type:service', 'type:adapter', 'type:domain', 'type:contracts'],
};

/** Packages of the outside world that a domain library must never depend on: it is free of I/O. */
const IO_PACKAGES = ['@grpc/grpc-js', 'fastify', 'lmdb', 'pino', 'prom-client', 'commander'];

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface ProjectGraph {
  readonly nodes: Readonly<
    Record<string, { readonly data: { readonly root: string; readonly tags?: readonly string[] } }>
  >;
  readonly dependencies: Readonly<Record<string, readonly { readonly source: string; readonly target: string }[]>>;
}

let folder = '';
let graph: ProjectGraph;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-graph-'));
  const file = join(folder, 'graph.json');
  execFileSync(join(ROOT, 'node_modules/.bin/nx'), ['graph', '--file', file], {
    cwd: ROOT,
    stdio: 'pipe',
    env: {
      ...process.env,
      NX_DAEMON: 'false',
      NX_TUI: 'false',
      NX_CACHE_DIRECTORY: join(folder, 'cache'),
      NX_WORKSPACE_DATA_DIRECTORY: join(folder, 'data'),
    },
  });
  graph = (JSON.parse(readFileSync(file, 'utf8')) as { graph: ProjectGraph }).graph;
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function manifestOf(project: string): Manifest {
  const root = graph.nodes[project]?.data.root ?? '';
  return JSON.parse(readFileSync(join(ROOT, root, 'package.json'), 'utf8')) as Manifest;
}

function typeOf(project: string): string {
  const types = (graph.nodes[project]?.data.tags ?? []).filter((tag) => tag.startsWith('type:'));
  expect({ project, types: types.length }).toEqual({ project, types: 1 });
  return types[0] ?? '';
}

/** Workspace projects that a project depends on at run time (devDependencies do not count). */
function runtimeDependencies(project: string): readonly string[] {
  const declared = Object.keys(manifestOf(project).dependencies ?? {});
  return declared.filter((name) => name in graph.nodes);
}

describe('boundaries', () => {
  it('gives every project one type', () => {
    const projects = Object.keys(graph.nodes);
    expect(projects.length).toBeGreaterThanOrEqual(14);
    for (const project of projects) expect(Object.keys(MAY_IMPORT)).toContain(typeOf(project));
  });

  it('sees the edges that there are', () => {
    const edges = Object.values(graph.dependencies).flat();
    const has = (source: string, target: string) =>
      edges.some((edge) => edge.source === source && edge.target === target);
    expect(edges.length).toBeGreaterThan(30);
    expect(has('overlay-master', '@overlay/overlay-log')).toBe(true);
    expect(has('@overlay/model', '@overlay/allocation')).toBe(true);
    expect(has('@overlay/rpc', '@overlay/contracts')).toBe(true);
  });

  it('lets each project import only what its type may', () => {
    const broken = Object.keys(graph.nodes).flatMap((project) =>
      runtimeDependencies(project)
        .filter((dependency) => !(MAY_IMPORT[typeOf(project)] ?? []).includes(typeOf(dependency)))
        .map((dependency) => `${project} (${typeOf(project)}) -> ${dependency} (${typeOf(dependency)})`),
    );
    expect(broken).toEqual([]);
  });

  it('keeps input and output out of the domain', () => {
    const domain = Object.keys(graph.nodes).filter((project) => typeOf(project) === 'type:domain');
    expect(domain.length).toBeGreaterThanOrEqual(3);
    for (const project of domain) {
      const dependencies = Object.keys(manifestOf(project).dependencies ?? {});
      expect(dependencies.filter((name) => IO_PACKAGES.includes(name))).toEqual([]);
    }
  });

  it('keeps the testbed out of everything that ships', () => {
    const users = Object.keys(graph.nodes).filter((project) =>
      runtimeDependencies(project).includes('@overlay/testbed'),
    );
    expect(users.length).toBeGreaterThan(0);
    for (const user of users) expect(typeOf(user)).toBe('type:testing');
  });
});
