import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MasterServiceService, NetworkStatus, type RegisterAgentResponse } from '@overlay/contracts';
import { createRpcClient, type RpcClient } from '@overlay/rpc';
import { LoneMaster } from '@overlay/testbed';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const MAC = '70:b3:d5:80:00:01';
const ATTACK = '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">';

let master: LoneMaster;
let agents: RpcClient<typeof MasterServiceService>;
let browser: Browser;
let page: Page;
/** Everything that the browser complained of, violations of the content security policy included. */
let complaints: string[];

beforeAll(async () => {
  master = await LoneMaster.start({
    network: {
      vtep_subnet: '44.128.0.0/20',
      vtep_subnet6: 'fd01:a::/64',
      overlays: [
        { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24 },
        { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80 },
        { name: 'idle', subnet: '192.168.0.0/16', prefix: 24, enabled: false },
      ],
    },
  });
  agents = createRpcClient(MasterServiceService, { target: master.grpcAddress });
  await register(1);
  await register(2);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout: 60_000 });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  agents?.close();
  await master?.close();
});

beforeEach(async () => {
  complaints = [];
  page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});

afterEach(async () => {
  await page.close();
});

function register(index: number): Promise<RegisterAgentResponse> {
  const networkConfig = { allocateSubnet: true, mesosBridge: true, dockerBridge: true };
  return agents.registerAgent({
    nodeId: `node-${index}`,
    ip: `10.8.0.${index}`,
    networkConfig,
    attributes: {},
  });
}

async function report(index: number, status: NetworkStatus, error: string): Promise<void> {
  const { assignment } = await register(index);
  const networks = (assignment?.networks ?? []).map(({ networkId }) => ({
    networkId,
    state: { status, error },
  }));
  const report = { networks, containers: [], capacities: [], removedNetworkIds: [] };
  await agents.reportAgent({ nodeId: `node-${index}`, ...report });
}

function rowOf(text: string) {
  return page.locator('tbody tr', { hasText: text });
}

describe('the Networks page', () => {
  it('shows networks, agents and the address space', async () => {
    const answer = await page.goto(master.httpUrl);
    expect(answer?.headers()['content-security-policy']).toContain("default-src 'self'");
    await page.getByRole('rowheader', { name: '10.8.0.2' }).waitFor();
    const dcos = await page.locator('#networks-body tr').first().locator('th, td').allInnerTexts();
    expect(dcos).toEqual(['dcos', '9.0.0.0/8', '/24', '2', 'enabled']);
    expect(await page.locator('#networks-body tr').allInnerTexts()).toEqual([
      expect.stringContaining('dcos'),
      expect.stringContaining('fd01:b::/64'),
      expect.stringContaining('disabled'),
    ]);
    const second = await page.locator('#agents-table tbody').nth(1).textContent();
    for (const part of [
      '44.128.0.2/20',
      '70:b3:d5:80:00:02',
      '9.0.1.0/24',
      'm-dcos 9.0.1.0/25',
      'configuring',
    ]) {
      expect(second).toContain(part);
    }
    expect(await page.locator('figcaption').first().textContent()).toContain('2 of 65,536 /24 blocks taken');
    expect(await page.locator('figure').first().locator('rect.taken').count()).toBe(3);
    expect(await page.locator('#freshness-headline').textContent()).toBe('Live');
    expect(complaints).toEqual([]);
  });

  it('shows every column at once on a screen of 1,200 pixels, and never scrolls as a whole', async () => {
    const bridge = (name: string) => ({
      name,
      ip: '172.16.255.128/27',
      ip6: 'fd01:c:ffff:ffff:ffff:8000::/81',
    });
    const overlay = {
      info: {
        name: 'both-families',
        subnet: '172.16.0.0/12',
        prefix: 26,
        subnet6: 'fd01:c::/64',
        prefix6: 80,
      },
      subnet: '172.16.255.128/26',
      subnet6: 'fd01:c:ffff:ffff:ffff::/80',
      mesos_bridge: bridge('m-both-families'),
      docker_bridge: bridge('d-both-families'),
      backend: { vxlan: { vtep_ip: '44.128.255.254/12', vtep_ip6: 'fd01:a::ffff:ffff/64', vtep_mac: MAC } },
      state: {
        status: 'STATUS_FAILED',
        error: 'could not find an available, non-overlapping pool '.repeat(9),
      },
    };
    const json = {
      network: { overlays: [overlay.info] },
      agents: [{ ip: '10.255.255.254', overlays: [overlay] }],
    };
    await page.route('**/overlay-master/state', (route) => route.fulfill({ json }));
    await page.setViewportSize({ width: 1_200, height: 900 });
    await page.goto(master.httpUrl);
    await page.getByRole('rowheader', { name: '10.255.255.254' }).waitFor();
    const table = page.locator('#agents-table').locator('..');
    expect(await table.evaluate((part) => part.scrollWidth - part.clientWidth)).toBe(0);
    for (const width of [800, 400]) {
      await page.setViewportSize({ width, height: 900 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    }
  });

  it('names every control', async () => {
    await page.goto(master.httpUrl);
    for (const [role, name] of [
      ['searchbox', 'Filter networks'],
      ['searchbox', 'Filter agents'],
      ['checkbox', 'only those not OK'],
      ['button', 'Previous page of agents'],
      ['button', 'Next page of agents'],
    ] as const) {
      expect(await page.getByRole(role, { name, exact: true }).count()).toBe(1);
    }
  });

  it('filters networks by name and subnet', async () => {
    await page.goto(master.httpUrl);
    await page.locator('#networks-body tr').nth(2).waitFor();
    const filter = page.getByRole('searchbox').first();
    await filter.fill('DCOS');
    expect(await page.locator('#networks-body th').allInnerTexts()).toEqual(['dcos', 'dcos6']);
    await filter.fill('192.168');
    expect(await page.locator('#networks-body th').allInnerTexts()).toEqual(['idle']);
    await filter.fill('nonsense');
    expect(await page.locator('#networks-note').textContent()).toBe('No network matches the filter.');
    await filter.fill('');
    expect(await page.locator('#networks-body th').allInnerTexts()).toEqual(['dcos', 'dcos6', 'idle']);
  });

  it('shows a new agent without a reload, and keeps what did not change', async () => {
    await page.goto(master.httpUrl);
    const first = page.getByRole('rowheader', { name: '10.8.0.1', exact: true });
    await first.waitFor();
    const kept = await first.elementHandle();
    await register(3);
    await page.getByRole('rowheader', { name: '10.8.0.3' }).waitFor();
    expect(await kept?.evaluate((node) => (node as unknown as { isConnected: boolean }).isConnected)).toBe(
      true,
    );
    expect(await page.locator('#agent-count').textContent()).toBe('3');
    expect(complaints).toEqual([]);
  });

  it('shows markup in an error as the text that it is', async () => {
    await report(2, NetworkStatus.FAILED, ATTACK);
    await page.goto(master.httpUrl);
    const error = rowOf('<script>').first().locator('.error');
    await error.waitFor();
    expect(await error.textContent()).toBe(ATTACK);
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toBe('Networks – Overlay');
    await page.getByLabel('only those not OK').check();
    await page.getByPlaceholder('address, network, error').fill('onerror');
    expect(await page.locator('#agents-table tbody th').allInnerTexts()).toEqual(['10.8.0.2']);
    expect(await page.locator('#agents-note').textContent()).toBe('1 agent, page 1 of 1');
    expect(complaints).toEqual([]);
  });

  it('shows what a state without its network object has', async () => {
    const body = JSON.stringify({ agents: [{ ip: '10.8.0.99' }] });
    await page.route('**/overlay-master/state', (route) =>
      route.fulfill({ contentType: 'application/json', body }),
    );
    await page.goto(master.httpUrl);
    await rowOf('10.8.0.99').waitFor();
    expect(await page.locator('#networks-note').textContent()).toBe('There are no networks.');
    expect(complaints).toEqual([]);
  });

  it('says that it may be out of date while the master says so', async () => {
    await page.route('**/overlay-master/state', async (route) => {
      const response = await route.fetch();
      const headers = { ...response.headers(), 'overlay-stale': 'leader: no master leads' };
      await route.fulfill({ response, headers });
    });
    await page.goto(master.httpUrl);
    await page.getByText('May be out of date: leader: no master leads').waitFor();
    expect(await rowOf('10.8.0.1').count()).toBeGreaterThan(0);
    await page.unroute('**/overlay-master/state');
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('says that it is stale and keeps what it has, then recovers', async () => {
    let down = false;
    await page.route('**/overlay-master/state', (route) => (down ? route.abort() : route.continue()));
    await page.goto(master.httpUrl);
    await page.getByText('Live', { exact: true }).waitFor();
    down = true;
    await page.getByText('Stale: the master cannot be reached').waitFor();
    expect(await rowOf('10.8.0.1').count()).toBeGreaterThan(0);
    down = false;
    await page.getByText('Live', { exact: true }).waitFor();
  });
});

describe('the Networks page over HTTP', () => {
  it('gives away its own parts only, with strict headers', async () => {
    const module = await fetch(`${master.httpUrl}/ui/main.js`);
    expect(module.status).toBe(200);
    expect(module.headers.get('content-type')).toContain('javascript');
    expect(module.headers.get('x-content-type-options')).toBe('nosniff');
    expect(module.headers.get('referrer-policy')).toBe('no-referrer');
    for (const path of [
      'ui/',
      'ui/main.d.ts',
      'ui/%2e%2e/package.json',
      'ui/..%2fpackage.json',
      'ui/nothing.js',
    ]) {
      expect({ path, status: (await fetch(`${master.httpUrl}/${path}`)).status }).toEqual({
        path,
        status: 404,
      });
    }
    expect((await fetch(master.httpUrl, { method: 'POST' })).status).toBe(405);
  });
});
