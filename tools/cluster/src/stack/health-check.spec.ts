import { describe, expect, it } from '@jest/globals';
import { parseHealthCheck } from './health-check.js';

describe('the health check of a container', () => {
  it.each([
    ['{"Test":["CMD","socat","-u"],"Interval":30000000000}', ['socat', '-u']],
    ['{"Test":["CMD-SHELL","true && true"]}', ['sh', '-c', 'true && true']],
    ['{"Test":["NONE"]}', undefined],
    ['{}', undefined],
    ['null', undefined],
  ])('of %s is %j', (json, argv) => {
    expect(parseHealthCheck(json)).toEqual(argv);
  });
});
