import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, type HttpServer, startHttpServer } from '@overlay/service';
import { addNetworksPage, type NetworksPageFolders } from '../src/http/networks-page.js';

let folder: string;
let folders: NetworksPageFolders;
let server: HttpServer | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-page-'));
  folders = { static: join(folder, 'static'), modules: join(folder, 'dist') };
});

afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Starts a server with the page. @returns how to ask it. */
async function serve(): Promise<(path: string) => Promise<Response>> {
  server = await startHttpServer({
    listen: { key: 'listen.http', address: { kind: 'tcp', host: '127.0.0.1', port: 0 } },
    logger: createLogger('overlay-master', 'silent'),
    routes: (instance) => addNetworksPage(instance, folders),
  });
  const { address } = server;
  const port = address.kind === 'tcp' ? address.port : 0;
  return (path) => fetch(`http://127.0.0.1:${port}${path}`);
}

describe('addNetworksPage', () => {
  it('says how to build a page that is not built, and serves none of its parts', async () => {
    write('static/index.html', '<p>page</p>');
    const get = await serve();
    const answer = await get('/');
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({ error: expect.stringContaining('npm run build') });
    expect((await get('/ui/style.css')).status).toBe(404);
  });

  it('serves the page and its parts from both folders, and nothing else of them', async () => {
    write('static/index.html', '<p>page</p>');
    write('static/style.css', 'p {}');
    write('dist/main.js', 'run();');
    write('dist/space/part.js', 'part();');
    write('dist/main.d.ts', 'types');
    const get = await serve();
    const page = await get('/');
    expect({ status: page.status, body: await page.text() }).toEqual({ status: 200, body: '<p>page</p>' });
    expect(page.headers.get('content-type')).toContain('text/html');
    for (const path of ['/', '/ui/style.css', '/ui/main.js', '/ui/space/part.js']) {
      const { status, headers } = await get(path);
      expect({ path, status }).toEqual({ path, status: 200 });
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
    for (const path of ['/ui/main.d.ts', '/ui/index.html', '/ui/nothing.js', '/ui/..%2f..%2fetc%2fpasswd']) {
      expect({ path, status: (await get(path)).status }).toEqual({ path, status: 404 });
    }
  });
});
