import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fastifyStatic } from '@fastify/static';
import type { FastifyInstance } from '@overlay/service';

/** Where the Networks page lies on disk. */
export interface NetworksPageFolders {
  /** Folder with `index.html`, the style and the icon. */
  readonly static: string;
  /** Folder with the compiled modules. */
  readonly modules: string;
}

/** The page loads nothing from elsewhere, runs nothing inline and is shown in no frame. */
const HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
} as const;

const SERVED = /\.(?:css|js|svg)$/;
const MISSING =
  'the Networks page is not built: run "npm run build" in the checkout and start the master again';

/**
 * Serves the Networks page at `/` and its parts under `/ui/`. Without a build of the page `/` is 404 and says
 * how to make one; everything else is not affected.
 */
export function addNetworksPage(server: FastifyInstance, folders: NetworksPageFolders): void {
  const index = join(folders.static, 'index.html');
  if (!existsSync(index) || !existsSync(join(folders.modules, 'main.js'))) {
    server.get('/', (_request, reply) => reply.code(404).send({ error: MISSING }));
    return;
  }
  const html = readFileSync(index, 'utf8');
  server.get('/', (_request, reply) => reply.headers(HEADERS).type('text/html; charset=utf-8').send(html));
  void server.register(fastifyStatic, {
    root: [folders.static, folders.modules],
    prefix: '/ui/',
    index: false,
    decorateReply: false,
    cacheControl: false,
    allowedPath: (path) => SERVED.test(path),
    setHeaders: (reply) => {
      for (const [name, value] of Object.entries(HEADERS)) reply.setHeader(name, value);
    },
  });
}
