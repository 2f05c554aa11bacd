import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Container, type EchoResult, HOST_HTTP, type Host, Testbed } from '@overlay/testbed';
import { agentOf } from './cluster-state.js';
import { entriesTowards } from './kernel-entries.js';
import { sumOfMetric } from './process-metrics.js';
import { forgetKernelState } from './reboot.js';
import { waitUntil } from './wait-until.js';

jest.setTimeout(90_000);

const NETWORKS = ['dcos', 'dcos6'];

describe('restarts', () => {
  let testbed: Testbed;
  let left: Container;
  let right: Container;
  let stream: number;
  const host = (label: string): Host => testbed.host(label);

  /** Lines keep coming back over the one connection that was opened at the very start. */
  async function expectStreamGoesOn(): Promise<void> {
    const before = await left.streamStatus(stream);
    await waitUntil('lines come back', async () => {
      const { linesEchoed, error } = await left.streamStatus(stream);
      return linesEchoed > before.linesEchoed + 10 || error !== undefined;
    });
    expect(await left.streamStatus(stream)).toMatchObject({ ok: true });
  }

  /** Sends datagrams, one after the other, for as long as something runs. @returns those that were not answered. */
  async function datagramsDuring(story: () => Promise<void>): Promise<readonly EchoResult[]> {
    const lost: EchoResult[] = [];
    const ending = new AbortController();
    const sender = async (): Promise<void> => {
      while (!ending.signal.aborted) {
        const answer = await left.udp(right.ipv4 ?? '');
        if (!answer.ok) lost.push(answer);
        await sleep(5);
      }
    };
    const sending = sender();
    await story().finally(() => ending.abort());
    await sending;
    return lost;
  }

  const knows = (who: Host, peers: number): Promise<void> =>
    waitUntil(`the dataplane of ${who.label} has ${peers} peers`, async () => {
      return (await sumOfMetric(who, HOST_HTTP.dataplane, 'overlay_dataplane_peers')) === peers;
    });

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 3, label: 'restarts' });
    await testbed.start();
    await testbed.waitSettled(NETWORKS);
    left = await host('h1').attachCni('dcos');
    right = await host('h2').attachCni('dcos');
    await right.serveEcho();
    stream = await left.openStream(right.ipv4 ?? '');
    await waitUntil('the stream is open', async () => (await left.streamStatus(stream)).ok);
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it.each(['dataplane', 'agent', 'ipam'] as const)(
    'goes on under a TCP stream and datagrams while every %s is killed and started again',
    async (app) => {
      const lost = await datagramsDuring(async () => {
        for (const each of [host('h1'), host('h2')]) {
          await each[app].kill();
          await expectStreamGoesOn();
          await each[app].start();
          await expectStreamGoesOn();
        }
      });
      expect(lost).toEqual([]);
      await testbed.waitSettled(NETWORKS);
    },
  );

  it('goes on while the master is killed and started again', async () => {
    const lost = await datagramsDuring(async () => {
      await testbed.master.kill();
      await expectStreamGoesOn();
      await testbed.master.start();
      await testbed.waitSettled(NETWORKS);
      await expectStreamGoesOn();
    });
    expect(lost).toEqual([]);
  });

  it('writes nothing to the kernel when a dataplane starts again', async () => {
    const each = host('h1');
    await each.dataplane.kill();
    const objects = ['link', 'address', 'route', 'nexthop', 'neigh', 'rule'];
    const monitor = each.process('monitor', ['ip', 'monitor', ...objects]);
    await monitor.start();
    await each.dataplane.start();
    await knows(each, 3 - 1);
    await each.agent.waitReady();
    await monitor.stop();
    expect(await sumOfMetric(each, HOST_HTTP.dataplane, 'overlay_dataplane_objects_written_total')).toBe(0);
    const present = await sumOfMetric(each, HOST_HTTP.dataplane, 'overlay_dataplane_objects_present');
    expect(present).toBeGreaterThan(20);
    expect(present).toBe(await sumOfMetric(each, HOST_HTTP.dataplane, 'overlay_dataplane_objects_desired'));
    const events = monitor.log().split('\n');
    const learnt = /\b(STALE|REACHABLE|DELAY|PROBE)\b/; // neighbours of containers, which the kernel keeps itself
    const port = /\bveth\S+: .* master /; // containers' ends on the bridge, which are their runtime's
    const ours = events.filter((line) => /vtep1024|m-dcos|nhid|142/.test(line) && !port.test(line));
    expect(ours.filter((line) => !learnt.test(line))).toEqual([]);
    await expectStreamGoesOn();
  });

  it('starts and stops containers while the master is down', async () => {
    await testbed.master.kill();
    const from = await host('h1').attachCni('dcos6');
    const to = await host('h2').attachCni('dcos6');
    expect(await from.ping(to.ipv6 ?? '')).toMatchObject({ ok: true });
    await from.remove();
    await to.remove();
    expect((await host('h1').attachCni('dcos')).ipv4).toBeDefined();
    await expectStreamGoesOn();
  });

  it('restores a host that boots while every master is down', async () => {
    const booted = host('h3');
    expect(testbed.master.running).toBe(false);
    await booted.kill();
    await forgetKernelState(booted);
    expect(await booted.execOrFail(['ip', 'link', 'show', 'type', 'vxlan'])).toBe('');

    await booted.start('listening');
    await knows(booted, 2);
    await waitUntil('both networks are there again', async () => {
      const { overlays = [] } = await booted.overlays();
      return overlays.length === 2 && overlays.every(({ state }) => state?.status === 'STATUS_OK');
    });
    const container = await booted.attachCni('dcos');
    expect(await container.ping(right.ipv4 ?? '')).toMatchObject({ ok: true });
    expect(await left.ping(container.ipv4 ?? '')).toMatchObject({ ok: true });
    await testbed.master.start();
    await testbed.waitSettled(NETWORKS);
    expect(await container.ping(right.ipv4 ?? '')).toMatchObject({ ok: true });
  });

  it('leads every host to one that joins', async () => {
    const joining = await testbed.addHost();
    await joining.start();
    const state = await testbed.waitSettled(NETWORKS);
    const old = testbed.hosts.filter((each) => each !== joining);
    for (const each of old) await knows(each, 3);
    await knows(joining, 3);
    const container = await joining.attachCni('dcos');
    await container.serveEcho();
    expect(await left.tcp(container.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: left.ipv4 });
    for (const each of old) {
      expect((await entriesTowards(each, agentOf(state, joining))).length).toBeGreaterThan(0);
      expect(await each.ping(container.ipv4 ?? '')).toMatchObject({ ok: true });
    }
  });

  it('brings a host that was cut off up to date', async () => {
    const away = host('h3');
    const leaving = host('h4');
    const gone = agentOf(await testbed.master.state(), leaving);
    await testbed.partition(away);
    await testbed.removeHost(leaving);
    const joining = await testbed.addHost();
    await joining.start();
    const answer = await fetch(`${testbed.master.httpUrl}/overlay-master/agents/delete`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ agents: [gone.ip], force: true }),
    });
    expect(answer.status).toBe(200);
    const knownSince = agentOf(await testbed.master.state(), joining);
    await waitUntil('h1 forgot h4', async () => (await entriesTowards(host('h1'), gone)).length === 0);
    expect((await entriesTowards(away, gone)).length).toBeGreaterThan(0);
    expect(await entriesTowards(away, knownSince)).toEqual([]);

    await testbed.heal(away);
    await waitUntil('h3 forgot h4', async () => (await entriesTowards(away, gone)).length === 0, 40_000);
    await waitUntil('h3 knows h5', async () => (await entriesTowards(away, knownSince)).length > 0);
    const container = await joining.attachCni('dcos');
    expect(await away.ping(container.ipv4 ?? '')).toMatchObject({ ok: true });
    await testbed.waitSettled(NETWORKS);
  });

  it('never broke the stream', async () => {
    const status = await left.closeStream(stream);
    expect(status).toMatchObject({ ok: true });
    expect(status.linesSent - status.linesEchoed).toBeLessThan(100);
  });
});
