import { describe, expect, it } from '@jest/globals';
import { leadingCluster } from '../replication/testing.js';

const OWN = '10.0.0.1:5060';
const OTHER = '10.0.0.2:5060';

describe('a master that stops leading', () => {
  const refused = (leader: string | undefined) => {
    const { cluster } = leadingCluster(1);
    cluster.setLeader(leader);
    cluster.follow(OWN);
    cluster.close();
    return cluster.submit(() => ({ mutations: [], answer: () => undefined }));
  };

  it('sends writers to the next leader at once where it knows it already', async () => {
    await expect(refused(OTHER)).rejects.toMatchObject({ code: 'unavailable', leader: OTHER });
  });

  it('does not send writers to itself', async () => {
    await expect(refused(OWN)).rejects.toMatchObject({ code: 'unavailable', leader: undefined });
    await expect(refused(undefined)).rejects.toMatchObject({ code: 'unavailable', leader: undefined });
  });
});
