import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf } from '@overlay/contracts';
import type { CommandResult } from '@overlay/testbed';
import { IpamDaemon, NETWORK } from './ipam-daemon.js';

const TIMEOUT_MS = 60_000;

function parsed(result: CommandResult): Record<string, unknown> {
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

describe('overlay-ipam through gRPC', () => {
  let daemon: IpamDaemon;

  beforeEach(async () => {
    daemon = new IpamDaemon();
    await daemon.process.start();
    await daemon.configure('9.0.1.0/27', 'fd01:b::/81');
  }, TIMEOUT_MS);

  afterEach(() => daemon.remove(), TIMEOUT_MS);

  it(
    'gives a reserved address to who names it, over restarts of the container and the daemon',
    async () => {
      const reserve = { network: NETWORK, half: AllocationHalf.CNI, name: 'db', requestedIps: ['9.0.1.9'] };
      const reserved = await daemon.client.reserve({ ...reserve, ttlMs: 600_000n });
      expect(reserved.ips).toEqual(['9.0.1.9', 'fd01:b::2']);
      expect(reserved.expiresAtMs).toBeGreaterThan(BigInt(Date.now()));
      await daemon.process.restart();
      const env = { CNI_ARGS: 'IgnoreUnknown=1;OVERLAY_RESERVATION=db' };
      for (const containerId of ['first', 'second']) {
        const added = await daemon.plugin({ command: 'ADD', containerId, env });
        expect(parsed(added)).toMatchObject({
          ips: [{ address: '9.0.1.9/27' }, { address: 'fd01:b::2/81' }],
        });
        const held = await daemon.plugin({ command: 'ADD', containerId: 'late', env });
        expect(parsed(held)).toMatchObject({ code: 101, msg: expect.stringContaining(containerId) });
        await daemon.plugin({ command: 'DEL', containerId });
      }
      const { capacities } = await daemon.client.getCapacity({ network: NETWORK });
      expect(capacities[0]).toMatchObject({ total: 29n, used: 0n, reserved: 1n, free: 28n });
      await daemon.client.unreserve({ network: NETWORK, half: AllocationHalf.CNI, name: 'db' });
      const gone = await daemon.plugin({ command: 'ADD', env });
      expect(parsed(gone)).toMatchObject({ code: 7, msg: expect.stringContaining('no reservation db here') });
    },
    TIMEOUT_MS,
  );

  it(
    'keeps labels of whatever name, from either side and over a restart',
    async () => {
      const labels = { ...JSON.parse('{"__proto__": "a"}'), constructor: 'b', 'é ': '' };
      const ask = { network: NETWORK, half: AllocationHalf.CNI, requestedIps: [], reservation: '', labels };
      const owner = { containerId: 'framework', interface: 'eth0' };
      const { allocation } = await daemon.client.allocate({ ...ask, owner });
      expect(Object.entries(allocation?.labels ?? {})).toEqual(Object.entries(labels));
      await daemon.plugin({ command: 'ADD', env: { CNI_ARGS: '__proto__=a;constructor=b;é =' } });
      await daemon.process.restart();
      const { allocations } = await daemon.client.listAllocations({
        network: '',
        pageSize: 0,
        pageToken: '',
      });
      expect(allocations.map((each) => Object.entries(each.labels))).toEqual([
        Object.entries(labels),
        Object.entries(labels),
      ]);
    },
    TIMEOUT_MS,
  );

  it('lists reservations with their ends and holders', async () => {
    const reserve = { network: NETWORK, half: AllocationHalf.CNI, requestedIps: [] };
    const { expiresAtMs } = await daemon.client.reserve({ ...reserve, name: 'web', ttlMs: 600_000n });
    await daemon.client.reserve({ ...reserve, name: 'db', ttlMs: 0n });
    const env = { CNI_ARGS: 'IgnoreUnknown=1;OVERLAY_RESERVATION=db' };
    expect(parsed(await daemon.plugin({ command: 'ADD', containerId: 'c1', env }))).toHaveProperty('ips');
    const first = await daemon.client.listReservations({ network: NETWORK, pageSize: 1, pageToken: '' });
    const rest = { network: '', pageSize: 0, pageToken: first.nextPageToken };
    const second = await daemon.client.listReservations(rest);
    const [db, web] = [...first.reservations, ...second.reservations];
    expect(db).toMatchObject({
      network: NETWORK,
      half: AllocationHalf.CNI,
      name: 'db',
      ips: ['9.0.1.3', 'fd01:b::3'],
      expiresAtMs: 0n,
      holder: { containerId: 'c1', interface: 'eth0' },
    });
    expect(web).toMatchObject({ name: 'web', ips: ['9.0.1.2', 'fd01:b::2'], holder: undefined });
    // The end is told by the wall clock, and a term passes by the time that the host is up.
    expect(Math.abs(Number((web?.expiresAtMs ?? 0n) - expiresAtMs))).toBeLessThan(60_000);
    expect(second.nextPageToken).toBe('');
    await expect(
      daemon.client.listReservations({ network: 'nowhere', pageSize: 0, pageToken: '' }),
    ).rejects.toMatchObject({ code: 'not_found' });
  });

  it('ends a reservation when its term is over', async () => {
    const reserve = { network: NETWORK, half: AllocationHalf.CNI, name: 'short', requestedIps: [] };
    await daemon.client.reserve({ ...reserve, ttlMs: 1n });
    let reserved = 1n;
    while (reserved > 0n) {
      const { capacities } = await daemon.client.getCapacity({ network: NETWORK });
      reserved = capacities[0]?.reserved ?? 0n;
    }
    const { capacities } = await daemon.client.getCapacity({ network: NETWORK });
    expect(capacities[0]).toMatchObject({ reserved: 0n, cooling: 1n, free: 28n });
  });

  it('streams the capacity as it changes, and ends the stream when the daemon ends', async () => {
    const ending = new AbortController();
    const stream = daemon.client.watchCapacity({ network: NETWORK }, { signal: ending.signal });
    const messages = stream[Symbol.asyncIterator]();
    const first = await messages.next();
    expect(first.value.capacities).toMatchObject([
      { family: 4, total: 29n, used: 0n, free: 29n, largestBurst: 29n },
      { family: 6, used: 0n, largestBurst: 29n },
    ]);
    await daemon.plugin({ command: 'ADD' });
    const second = await messages.next();
    expect(second.value.capacities).toMatchObject([{ used: 1n, largestBurst: 28n }, { used: 1n }]);
    const ended = expect(messages.next()).rejects.toMatchObject({ code: 'unavailable' });
    await daemon.process.kill();
    await ended;
    ending.abort();
  });

  it('tells of a network that it does not know, and waits for it in a stream', async () => {
    const { client } = daemon;
    const page = { pageSize: 0, pageToken: '' };
    for (const ask of [client.getCapacity, client.listAllocations, client.watchCapacity]) {
      const asked = async () => {
        const answer = ask({ ...page, network: 'a b' });
        if (Symbol.asyncIterator in answer) for await (const _rows of answer);
        await answer;
      };
      await expect(asked()).rejects.toMatchObject({
        code: 'invalid_argument',
        violations: [expect.objectContaining({ field: 'network' })],
      });
    }
    const unknown = { code: 'not_found', message: expect.stringContaining(`this host has ${NETWORK}`) };
    await expect(client.getCapacity({ network: 'later' })).rejects.toMatchObject(unknown);
    await expect(client.listAllocations({ ...page, network: 'later' })).rejects.toMatchObject(unknown);
    const ending = new AbortController();
    const stream = client.watchCapacity({ network: 'later' }, { signal: ending.signal });
    expect((await stream[Symbol.asyncIterator]().next()).value.capacities).toEqual([]);
    ending.abort();
  });

  it('lists allocations in pages, each once', async () => {
    const owners = Array.from({ length: 7 }, (_, number) => ({
      containerId: `c${number}`,
      interface: 'eth0',
    }));
    for (const owner of owners) {
      await daemon.client.allocate({
        network: NETWORK,
        half: AllocationHalf.UNSPECIFIED,
        owner,
        requestedIps: [],
        reservation: '',
        labels: {},
      });
    }
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await daemon.client.listAllocations({ network: NETWORK, pageSize: 3, pageToken });
      seen.push(...page.allocations.map(({ owner }) => owner?.containerId ?? ''));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(owners.map(({ containerId }) => containerId));
  });
});
