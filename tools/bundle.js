// Writes every program as one file, `apps/<app>/dist/bundle/<program>.js`, out of what tsc wrote: a process that opens
// one file instead of a thousand starts in a third of the time. A bundle has no source map: its lines are readable, and a
// map of ten thousand lines would cost what bundling saves.
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The main module of each program in bin/, which finds the bundle by its own name. */
const PROGRAMS = {
  'overlay-master': 'apps/master/dist/main.js',
  'overlay-agent': 'apps/agent/dist/main.js',
  'overlay-ipam': 'apps/ipam/dist/main.js',
  'overlay-docker-ipam': 'apps/ipam/dist/docker-front/main.js',
  'overlay-dataplane': 'apps/dataplane/dist/main.js',
  overlayctl: 'apps/overlayctl/dist/main.js',
};

/** Packages that load machine code of theirs by its place in node_modules. */
const LOADED_BY_PLACE = ['lmdb', 'ssh2'];

/**
 * Files that modules look for beside themselves (contracts, descriptors, pages, a thread's module) are still there, and
 * not beside the bundle: `import.meta.url` and `__dirname` go on to mean the module's own place. It is written as the
 * way from the bundle, so that a copy of the whole tree works like the original.
 */
function keepPlaces(folder) {
  return {
    name: 'keep-places',
    setup({ onLoad }) {
      onLoad({ filter: /\.[cm]?js$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        if (!/\bimport\.meta\.url\b|\b__dirname\b/.test(text)) return undefined;
        const place = JSON.stringify(relative(folder, path));
        const url = `new URL(${place}, __bundle.url)`;
        const contents = text
          .replaceAll(/\bimport\.meta\.url\b/g, `${url}.href`)
          .replaceAll(/\b__dirname\b/g, `__bundle.folder(${url})`);
        return { contents, loader: 'js' };
      });
    },
  };
}

/** What CommonJS modules find in theirs, and the place of the bundle. */
const BANNER = `import * as __m from 'node:module';
import * as __u from 'node:url';
const require = __m.createRequire(import.meta.url);
const __bundle = { url: import.meta.url, folder: (url) => __u.fileURLToPath(new URL('.', url)).slice(0, -1) };`;

/**
 * @param {string} program its name in bin/.
 * @param {string} module its main module, relative to the root.
 */
async function bundle(program, module) {
  const folder = join(ROOT, ...module.split('/').slice(0, 3), 'bundle');
  await build({
    absWorkingDir: ROOT,
    entryPoints: [join(ROOT, module)],
    outfile: join(folder, `${program}.js`),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: LOADED_BY_PLACE,
    // Our own libraries stay what node_modules calls them: a copy of the tree may have them elsewhere.
    preserveSymlinks: true,
    legalComments: 'none',
    banner: { js: BANNER },
    plugins: [keepPlaces(folder)],
    logLevel: 'warning',
  });
}

await Promise.all(Object.entries(PROGRAMS).map(([program, module]) => bundle(program, module)));
