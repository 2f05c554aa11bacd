import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { GRPCInvalidArgumentError } from 'etcd3';
import { EtcdClient } from './etcd-client.js';
import { EtcdMembers } from './etcd-members.js';

const TIMEOUT_MS = 40;
const ENDPOINTS = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'];

/** Members whose first `silent` never answer; nothing is ever sent. */
function createMembers() {
  const clients = ENDPOINTS.map((hosts) => new EtcdClient({ hosts }));
  const members = new EtcdMembers(clients, ENDPOINTS, TIMEOUT_MS);
  const left: number[] = [];
  const ask = (silent: number, repeatable = true) =>
    members.call({
      doing: 'read',
      repeatable,
      run: async (client, { deadline }) => {
        const leftMs = Number(deadline) - Date.now();
        left.push(leftMs);
        if (clients.indexOf(client) >= silent && leftMs > 0) return clients.indexOf(client);
        await sleep(Math.max(leftMs, 0));
        throw new Error('Deadline exceeded');
      },
    });
  return { members, ask, left };
}

describe('calls to the members of etcd', () => {
  it('leave time for the next member after a silent one, and stay there', async () => {
    const { members, ask } = createMembers();
    expect(await ask(1)).toBe(1);
    expect(await ask(0)).toBe(1);
    members.close();
  });

  it('end as unavailable when nobody answers, without a try that has no time', async () => {
    const { members, ask, left } = createMembers();
    await expect(ask(3)).rejects.toMatchObject({ code: 'unavailable' });
    expect(left.filter((leftMs) => leftMs < TIMEOUT_MS / 20)).toEqual([]);
    members.close();
  });

  it('are tried once if they cannot be repeated', async () => {
    const { members, ask } = createMembers();
    await expect(ask(1, false)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await ask(1)).toBe(1);
    members.close();
  });

  it('are not waited for any more once their signal aborts', async () => {
    const { members } = createMembers();
    const leaving = new AbortController();
    const { signal } = leaving;
    const run = () => new Promise<never>(() => undefined);
    const call = members.call({ doing: 'read', repeatable: true, signal, run });
    setImmediate(() => leaving.abort());
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    await expect(members.call({ doing: 'read', repeatable: true, signal, run })).rejects.toMatchObject({
      code: 'aborted',
    });
    members.close();
  });

  it('are made once more with a new token where users changed since the login, whatever they are', async () => {
    const { members } = createMembers();
    const asked: EtcdClient[] = [];
    const call = (refusals: number) =>
      members.call({
        doing: 'write',
        repeatable: false,
        run: async (client) => {
          asked.push(client);
          if (asked.length <= refusals)
            throw new GRPCInvalidArgumentError('etcdserver: revision of auth store is old');
          return asked.length;
        },
      });
    expect(await call(1)).toBe(2);
    expect(asked[0]).toBe(asked[1]);
    await expect(call(4)).rejects.toMatchObject({ code: 'unavailable' });
    expect(asked).toHaveLength(4);
    members.close();
  });
});

/** A stream that fails when it is cancelled, as those of gRPC do. */
class CancelledStream extends EventEmitter {
  end(): void {}

  cancel(): void {
    this.emit('error', new Error('Cancelled on client'));
  }
}

describe('streams to the members of etcd', () => {
  it.each([
    ['stay at the member when they are given up', 'giveUp', 0],
    ['go on at the next when they fail', 'fail', 1],
    ['go on at the next when the member is silent', 'moveOn', 1],
  ] as const)('%s', async (_, what, next) => {
    const { members, ask } = createMembers();
    const opened = await members.open('watch', async () => new CancelledStream());
    if (what === 'fail') opened.stream.emit('error', new Error('Connection dropped'));
    else opened[what]();
    expect(await ask(0)).toBe(next);
    members.close();
  });
});
