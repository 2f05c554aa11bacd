import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { Status } from '@overlay/contracts';
import { FAILURE_CODES, OverlayError } from '@overlay/failure';
import fc from 'fast-check';
import {
  errorOfCall,
  errorOfStatusMessage,
  type StatusAnswer,
  statusAnswerOf,
  statusMessageOf,
} from './error-details.js';

/** What a client is given for an answer that came over the wire. */
function asServiceError(answer: StatusAnswer): Error {
  return Object.assign(new Error(`${answer.code}: ${answer.details}`), answer);
}

function roundTrip(error: OverlayError): OverlayError {
  return errorOfCall(asServiceError(statusAnswerOf(error)));
}

function withDetails(details: Buffer): Error {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', details);
  return asServiceError({ code: status.INVALID_ARGUMENT, details: 'wrong', metadata });
}

describe('errors over gRPC', () => {
  it('keeps code and message of every failure', () => {
    for (const code of FAILURE_CODES) {
      const error = roundTrip(new OverlayError(code, `it is ${code}: try again`));
      expect(error).toMatchObject({ code, message: `it is ${code}: try again` });
      expect(error.violations).toEqual([]);
      expect(error.leader).toBeUndefined();
    }
  });

  it('keeps field violations', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const violation = fc.record({ field: text, description: text });
    fc.assert(
      fc.property(fc.array(violation, { minLength: 1, maxLength: 5 }), (violations) => {
        const error = roundTrip(new OverlayError('invalid_argument', 'wrong', { violations }));
        expect(error.violations).toEqual(violations);
      }),
    );
  });

  it('keeps the leader', () => {
    const error = roundTrip(new OverlayError('unavailable', 'not the leader', { leader: '10.0.0.2:5060' }));
    expect(error.leader).toBe('10.0.0.2:5060');
  });

  it('sends the first violations and a cut message where all would not fit into 8 KiB of trailers', () => {
    const violations = Array.from({ length: 1_000 }, (_, index) => ({
      field: `overlays[${index}].name`,
      description: `"network-${index}" is used twice: choose another name`,
    }));
    const answer = statusAnswerOf(OverlayError.invalid(violations));
    const bytes = Buffer.byteLength(encodeURI(answer.details));
    const [details] = answer.metadata.get('grpc-status-details-bin');
    expect(bytes + Buffer.from(details ?? '').toString('base64').length).toBeLessThan(8_000);
    const error = errorOfCall(asServiceError(answer));
    expect(error.violations.length).toBeGreaterThan(10);
    expect(error.violations).toEqual(violations.slice(0, error.violations.length));
    expect(error.message).toMatch(/^the request has 1000 errors:[\s\S]*…$/);
  });

  it('cuts a description that is too long, never inside a character', () => {
    const description = `${'x'.repeat(255)}\u{1f600}${'y'.repeat(5_000)}`;
    const error = roundTrip(OverlayError.invalid([{ field: 'node_id', description }]));
    expect(error.violations).toEqual([{ field: 'node_id', description: `${'x'.repeat(255)}…` }]);
  });

  it('leaves out a violation that does not fit, and tells the next', () => {
    const next = { field: 'name', description: 'is missing' };
    const huge = { field: 'x'.repeat(5_000), description: 'is unknown' };
    expect(roundTrip(OverlayError.invalid([huge, next])).violations).toEqual([next]);
  });

  it('sends no details where no violation fits', () => {
    const answer = statusAnswerOf(OverlayError.invalid([{ field: 'x'.repeat(5_000), description: 'x' }]));
    expect(answer.code).toBe(status.INVALID_ARGUMENT);
    expect(answer.metadata.get('grpc-status-details-bin')).toEqual([]);
  });

  it('stays below 8 KiB of trailers and tells what is wrong in any language', () => {
    for (const character of ['x', ' ', '\n', 'ä', '網', '\u{1f600}', '\ud800']) {
      const description = character.repeat(4_000);
      const answer = statusAnswerOf(OverlayError.invalid([{ field: 'name', description }]));
      const [details] = answer.metadata.get('grpc-status-details-bin');
      const bytes = encodeURI(answer.details).length + Buffer.from(details ?? '').toString('base64').length;
      expect(bytes).toBeLessThan(7_700);
      expect(errorOfCall(asServiceError(answer)).violations).toHaveLength(1);
    }
  });

  it('makes a message that can be percent-encoded of any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 3_000 }),
        fc.integer({ min: 0, max: 9 }),
        (text, n) => {
          const lone = `${text.slice(0, n)}\ud800${text.slice(n)}`;
          const { details } = statusAnswerOf(new OverlayError('not_found', lone));
          expect(decodeURI(encodeURI(details))).toBe(details);
        },
      ),
    );
  });

  it('leaves out a leader that no header can carry', () => {
    for (const leader of ['', 'мастер:1', 'a\nb']) {
      expect(roundTrip(new OverlayError('unavailable', 'not the leader', { leader })).leader).toBeUndefined();
    }
  });

  it('keeps code, message and violations of a failure within a message', () => {
    const error = OverlayError.invalid([{ field: 'tcp.port', description: '0 is no port' }]);
    const sent = Status.decode(Status.encode(statusMessageOf(error)).finish());
    expect(errorOfStatusMessage(sent)).toMatchObject({
      code: 'invalid_argument',
      message: 'tcp.port: 0 is no port',
      violations: error.violations,
    });
    expect(statusMessageOf(new OverlayError('not_found', 'x')).details).toEqual([]);
  });

  it('makes internal of anything else that a handler throws', () => {
    const thrown: readonly unknown[] = [new TypeError('x'), 'x', undefined, Object.create(null)];
    for (const each of thrown) expect(statusAnswerOf(each).code).toBe(status.INTERNAL);
  });

  it('passes an OverlayError and takes an unknown error for internal', () => {
    const error = new OverlayError('not_found', 'x');
    expect(errorOfCall(error)).toBe(error);
    expect(errorOfCall(new Error('socket hang up'))).toMatchObject({
      code: 'internal',
      message: 'socket hang up',
    });
    expect(errorOfCall(undefined).code).toBe('internal');
  });

  it('survives details of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const error = errorOfCall(withDetails(Buffer.from(bytes)));
        expect(error).toMatchObject({ code: 'invalid_argument', message: 'wrong' });
      }),
    );
  });

  it('ignores details of other types and broken ones', () => {
    const details = [
      { typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value: Buffer.from([1, 2, 3]) },
      { typeUrl: 'type.googleapis.com/google.rpc.BadRequest', value: Buffer.from([0xff, 0xff, 0xff]) },
    ];
    for (const detail of details) {
      const encoded = Status.encode({ code: 3, message: 'wrong', details: [detail] }).finish();
      expect(errorOfCall(withDetails(Buffer.from(encoded))).violations).toEqual([]);
      expect(errorOfStatusMessage(Status.decode(encoded)).violations).toEqual([]);
    }
  });
});
