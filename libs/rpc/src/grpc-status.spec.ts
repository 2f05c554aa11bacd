import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { FAILURE_CODES } from '@overlay/failure';
import { failureOfStatus, statusOfFailure } from './grpc-status.js';

const STATUSES = Object.values(status).filter((value) => typeof value === 'number');

describe('gRPC statuses of failures', () => {
  it('gives every failure a status of its own, never OK', () => {
    const statuses = FAILURE_CODES.map(statusOfFailure);
    expect(new Set(statuses).size).toBe(FAILURE_CODES.length);
    expect(statuses).not.toContain(status.OK);
    for (const code of statuses) expect(STATUSES).toContain(code);
  });

  it('brings every failure back', () => {
    for (const code of FAILURE_CODES) expect(failureOfStatus(statusOfFailure(code))).toBe(code);
  });

  it('names failures by the same words as gRPC', () => {
    for (const code of FAILURE_CODES) expect(status[statusOfFailure(code)]).toBe(code.toUpperCase());
  });

  it('knows every status that a server may answer', () => {
    expect(STATUSES).toHaveLength(17);
    for (const code of STATUSES) expect(FAILURE_CODES).toContain(failureOfStatus(Number(code)));
  });

  it('takes a number outside the set for internal', () => {
    for (const code of [-1, 17, 99, 1.5, Number.NaN]) expect(failureOfStatus(code)).toBe('internal');
  });

  it('takes a cancelled call for aborted', () => {
    expect(failureOfStatus(status.CANCELLED)).toBe('aborted');
  });
});
