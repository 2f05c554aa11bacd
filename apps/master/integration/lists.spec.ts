import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MasterUnderTest } from './master-under-test.js';

const master = new MasterUnderTest();
beforeEach(() => master.start());
afterEach(() => master.remove());

describe('lists', () => {
  it('pages through the agents in the order of their VTEP addresses', async () => {
    for (let host = 1; host <= 5; host += 1) await master.register(`n${host}`, `10.0.0.${host}`);
    const ips: string[] = [];
    let pageToken = '';
    do {
      const page = await master.networks.listAgents({ pageSize: 2, pageToken });
      ips.push(...page.agents.map(({ assignment }) => assignment?.ip ?? ''));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(ips).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5']);
    await expect(master.networks.listAgents({ pageSize: 0, pageToken: '%%%' })).rejects.toMatchObject({
      violations: [{ field: 'page_token' }],
    });
    await expect(master.networks.listAgents({ pageSize: 5_000, pageToken: '' })).rejects.toMatchObject({
      violations: [{ field: 'page_size' }],
    });
  });

  it('answers for networks by name', async () => {
    expect((await master.networks.getNetwork({ name: 'dcos6' })).network?.spec?.subnet6).toBe('fd01:b::/64');
    await expect(master.networks.getNetwork({ name: 'nope' })).rejects.toMatchObject({ code: 'not_found' });
  });
});
