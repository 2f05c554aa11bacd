import { afterEach, describe, expect, it } from '@jest/globals';
import { Testbed } from '@overlay/testbed';
import { remains } from './remains.js';

describe('several masters', () => {
  let testbed: Testbed | undefined;

  afterEach(() => testbed?.close());

  it('share an etcd, have a leader at any time, and leave nothing', async () => {
    const bed = await Testbed.create({ hosts: 1, masters: 3, log: 'etcd' });
    testbed = bed;
    await bed.start('listening');
    const first = await bed.leader();
    expect(bed.masters).toContain(first);
    expect(bed.host('h1').agent.config.master).toBe(
      bed.masters.map(({ grpcAddress }) => grpcAddress).join(','),
    );
    await first.kill();
    const second = await bed.leader();
    expect(second).not.toBe(first);
    await first.start();
    expect(await bed.leader()).toBe(second);
    second.pause();
    const third = await bed.leader();
    expect(third).not.toBe(second);
    second.resume();
    await second.waitReady();
    expect(await bed.leader()).toBe(third);
    await bed.etcd.restart();
    await third.waitReady();
    await bed.close();
    expect(await remains(bed)).toEqual([]);
  }, 60_000);

  it('are refused on an embedded log', async () => {
    await expect(Testbed.create({ hosts: 1, masters: 3 })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });
});
