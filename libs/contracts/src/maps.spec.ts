import { describe, expect, it } from '@jest/globals';
import { Allocation, RegisterAgentRequest } from './index.js';

/** What JavaScript finds on every ordinary object. */
const NAMES = ['__proto__', 'constructor', 'toString'];
const MAP = Object.fromEntries(NAMES.map((name) => [name, `value of ${name}`]));

describe('maps in messages', () => {
  it('keep entries of whatever name on the wire and in JSON', () => {
    const { labels } = Allocation.decode(Allocation.encode({ ...Allocation.create(), labels: MAP }).finish());
    const { attributes } = RegisterAgentRequest.fromPartial({ attributes: MAP });
    const json = JSON.parse(JSON.stringify(Allocation.toJSON({ ...Allocation.create(), labels: MAP })));
    for (const map of [labels, attributes, json.labels, Allocation.fromJSON(json).labels]) {
      expect(Object.entries(map)).toEqual(Object.entries(MAP));
    }
  });
});
