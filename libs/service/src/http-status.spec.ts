import { describe, expect, it } from '@jest/globals';
import { FAILURE_CODES } from '@overlay/failure';
import { httpStatusOfFailure } from './http-status.js';

/** Failures that are the server's own; all others are the caller's. */
const OF_THE_SERVER = ['unavailable', 'deadline_exceeded', 'unimplemented', 'data_loss', 'internal'];

describe('httpStatusOfFailure', () => {
  it('knows every failure', () => {
    for (const code of FAILURE_CODES) expect(Number.isInteger(httpStatusOfFailure(code))).toBe(true);
  });

  it("tells the caller's mistakes from the server's troubles", () => {
    const ofTheServer = FAILURE_CODES.filter((code) => httpStatusOfFailure(code) >= 500);
    const ofTheCaller = FAILURE_CODES.filter((code) => Math.floor(httpStatusOfFailure(code) / 100) === 4);
    expect(new Set(ofTheServer)).toEqual(new Set(OF_THE_SERVER));
    expect(ofTheServer.length + ofTheCaller.length).toBe(FAILURE_CODES.length);
  });

  it('has the statuses that clients act on', () => {
    expect(httpStatusOfFailure('invalid_argument')).toBe(400);
    expect(httpStatusOfFailure('not_found')).toBe(404);
    expect(httpStatusOfFailure('already_exists')).toBe(409);
    expect(httpStatusOfFailure('resource_exhausted')).toBe(429);
    expect(httpStatusOfFailure('unavailable')).toBe(503);
  });
});
