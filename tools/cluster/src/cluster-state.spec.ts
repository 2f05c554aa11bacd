import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ClusterState,
  readClusterState,
  removeClusterFiles,
  requireClusterState,
  writeClusterState,
} from './cluster-state.js';
import { type ClusterPlaces, planPlaces } from './places.js';

let root: string;
let places: ClusterPlaces;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'overlay-state-'));
  const folder = join(root, 'one');
  places = {
    ...planPlaces('one'),
    folder,
    memory: join(root, 'memory'),
    stateFile: join(folder, 'state.json'),
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const STATE: ClusterState = { engine: 'own', hosts: 3, docker: false };

describe('what is known of a cluster', () => {
  it('is nothing before it is written', () => {
    expect(readClusterState(places)).toBeUndefined();
    expect(() => requireClusterState(places)).toThrow('npm run cluster -- up --name one');
  });

  it('is what was written last, and no draft beside it', async () => {
    await writeClusterState(places, STATE);
    const images = { overlay: 'overlay:1', etcd: 'overlay-etcd:1', workload: 'overlay-workload:1' };
    await writeClusterState(places, { ...STATE, images });
    expect(readClusterState(places)).toEqual({ ...STATE, images });
    expect(readdirSync(places.folder)).toEqual(['state.json']);
  });

  it.each(['', '{"engine":"own","hosts":3', '{"engine":"other","hosts":3,"docker":false}', 'null'])(
    'is not taken for nothing where it cannot be read: %j',
    (text) => {
      mkdirSync(dirname(places.stateFile));
      writeFileSync(places.stateFile, text);
      expect(() => readClusterState(places)).toThrow('npm run cluster -- down --name one');
    },
  );

  it('goes with every file of the cluster', async () => {
    await writeClusterState(places, STATE);
    mkdirSync(join(places.memory, 'half a tree'), { recursive: true });
    await removeClusterFiles(places);
    await removeClusterFiles(places);
    expect([places.folder, places.memory].filter(existsSync)).toEqual([]);
  });
});
