import { describe, expect, it } from '@jest/globals';
import { describeDoors } from './describe-doors.js';
import { createEngine } from './engine/engine.js';

describe('describeDoors', () => {
  it('names the cluster in its commands where it is not the usual one', () => {
    const engine = createEngine(undefined, []);
    expect(describeDoors({ name: 'overlay' }, engine, 'running').slice(-2)).toEqual([
      'checks      npm run cluster -- test',
      'stop        npm run cluster -- down',
    ]);
    expect(describeDoors({ name: 'second' }, engine, 'running').slice(-2)).toEqual([
      'checks      npm run cluster -- test --name second',
      'stop        npm run cluster -- down --name second',
    ]);
  });

  it('leads to an own engine, and into its network', () => {
    const engine = createEngine('/run/one/docker.sock', ['nsenter', '--net=/run/netns/one']);
    expect(describeDoors({ name: 'one' }, engine, 'own').slice(0, 4)).toEqual([
      'state       nsenter --net=/run/netns/one curl http://127.0.0.1:15051/overlay-master/state',
      'page        http://127.0.0.1:15051/ (inside that namespace)',
      'commands    nsenter --net=/run/netns/one bin/overlayctl --master 127.0.0.1:15061 agent ls',
      'containers  docker --host unix:///run/one/docker.sock ps',
    ]);
  });

  it('leaves a running engine to what `docker` finds by itself', () => {
    const doors = describeDoors({ name: 'overlay' }, createEngine(undefined, []), 'running');
    expect(doors).toContain('containers  docker ps');
    expect(doors).toContain('page        http://127.0.0.1:15051/');
  });
});
