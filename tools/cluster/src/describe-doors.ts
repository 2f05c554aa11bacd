import type { Engine } from './engine/engine.js';
import { type ClusterPlaces, commandFor } from './places.js';

/** How to get into a cluster from here, a line for each way. */
export function describeDoors(
  places: Pick<ClusterPlaces, 'name'>,
  { env, enter }: Engine,
  kind: 'own' | 'running',
): readonly string[] {
  const prefix = enter.length === 0 ? '' : `${enter.join(' ')} `;
  const host = kind === 'own' ? `--host ${env.DOCKER_HOST} ` : '';
  return [
    `state       ${prefix}curl http://127.0.0.1:15051/overlay-master/state`,
    `page        http://127.0.0.1:15051/${prefix === '' ? '' : ' (inside that namespace)'}`,
    `commands    ${prefix}bin/overlayctl --master 127.0.0.1:15061 agent ls`,
    `containers  docker ${host}ps`,
    `checks      ${commandFor(places, 'test')}`,
    `stop        ${commandFor(places, 'down')}`,
  ];
}
