import { describe, expect, it } from '@jest/globals';
import { mergeConfig, planHostConfigs, planHostPaths } from './process-configs.js';

describe('a configuration laid over another', () => {
  it('merges objects, replaces the rest and removes what is undefined', () => {
    const base = { listen: { http: 'a', grpc: 'b' }, list: [1, 2], gone: 1 };
    const merged = mergeConfig(base, { listen: { http: 'c' }, list: [3], gone: undefined });
    expect(merged).toEqual({ listen: { http: 'c', grpc: 'b' }, list: [3] });
    expect(base).toHaveProperty('gone', 1);
  });
});

describe('the configurations of a host', () => {
  it('keep every socket and folder inside the host’s folder', () => {
    const configs = planHostConfigs(planHostPaths('/t/h1'), '198.18.1.11', ['198.18.1.1:5060']);
    const paths = JSON.stringify(configs).match(/"(unix:)?\/[^"]*"/g) ?? [];
    expect(paths.length).toBeGreaterThan(8);
    expect(paths.filter((path) => !/^"(unix:)?\/t\/h1\//.test(path))).toEqual([]);
  });
});
