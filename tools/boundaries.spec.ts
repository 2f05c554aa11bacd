import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = join(__dirname, '..');

/** What each kind of project may depend on (docs/architecture.md, "Boundaries"). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'type:app': ['type:service', 'type:adapter', 'type:disk', 'type:domain', 'type:contracts'],
  'type:adapter': ['type:disk', 'type:domain', 'type:contracts'],
  'type:service': ['type:disk', 'type:domain'],
  'type:domain': ['type:domain'],
  'type:contracts': [],
  'type:disk': [],
  'type:testing': ['type:testing', 'type:service', 'type:adapter', 'type:domain', 'type:contracts'],
};

/** Packages of the outside world that a domain library must never depend on: it is free of I/O. */
const IO_PACKAGES = ['@grpc/grpc-js', 'fastify', 'lmdb', 'pino', 'prom-client', 'commander'];

/** An import or re-export with its module, a dynamic import, or a require. */
const IMPORTED =
  /(?:^|[\s;}])(?:from|import)\s*['"]([^'"\n]+)['"]|(?:import|require)\s*\(\s*['"]([^'"\n]+)['"]/g;

/** Sources that exist for tests alone, and are not part of what a package does at run time. */
const FOR_TESTS = /\.spec\.ts$|(?:^|\/)testing\.ts$|-contract\.ts$/;

interface SourceImport {
  readonly file: string;
  readonly module: string;
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface ProjectGraph {
  readonly nodes: Readonly<
    Record<string, { readonly data: { readonly root: string; readonly tags?: readonly string[] } }>
  >;
  readonly dependencies: Readonly<
    Record<string, readonly { readonly source: string; readonly target: string }[]>
  >;
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

function modulesOf(text: string): readonly string[] {
  return [...text.matchAll(IMPORTED)].map(([, module, loaded]) => module ?? loaded ?? '');
}

/** The sources of a project that ship, and what they import. */
function shippedSources(project: string): {
  readonly files: readonly string[];
  readonly imports: readonly SourceImport[];
} {
  const folder = join(ROOT, graph.nodes[project]?.data.root ?? '', 'src');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !FOR_TESTS.test(file));
  const imports = files.flatMap((file) =>
    modulesOf(readFileSync(join(ROOT, file), 'utf8')).map((module) => ({ file, module })),
  );
  return { files, imports };
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

  it('sees every way to import', () => {
    const text = [
      "import { a } from 'one';",
      "import type {\n  B,\n} from 'two';",
      "import 'three';",
      "export { c } from 'four';",
      "const d = await import('five');",
      "const e = require('six');",
      "const f = 'the key from here';",
    ].join('\n');
    expect(modulesOf(text)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
  });

  it('keeps the modules of Node out of the sources of the domain', () => {
    const domain = Object.keys(graph.nodes).filter((project) => typeOf(project) === 'type:domain');
    const sources = domain.map(shippedSources);
    expect(sources.flatMap(({ files }) => files).length).toBeGreaterThan(20);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(20);
    const ofNode = sources.flatMap(({ imports }) => imports.filter(({ module }) => isBuiltin(module)));
    expect(ofNode).toEqual([]);
  });

  it('keeps what is for tests out of the sources that ship', () => {
    const shipping = Object.keys(graph.nodes).filter((project) => typeOf(project) !== 'type:testing');
    const sources = shipping.map(shippedSources);
    expect(sources.flatMap(({ files }) => files).length).toBeGreaterThan(100);
    const forTests = sources.flatMap(({ imports }) =>
      imports.filter(({ module }) => /^@overlay\/(?:testbed(?:\/|$)|[^/]+\/testing$)/.test(module)),
    );
    expect(forTests).toEqual([]);
  });
});
