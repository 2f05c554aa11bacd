import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { explainFailure } from './explain-failure.js';

const ASKED = { server: 'the master at 10.0.0.1:5060', wayOut: 'start it' };

describe('explainFailure', () => {
  it('names the server and the way out where no answer came', () => {
    const error = explainFailure(new OverlayError('unavailable', 'ECONNREFUSED'), ASKED);
    expect(error.message).toBe('cannot reach the master at 10.0.0.1:5060 (ECONNREFUSED): start it');
    expect(explainFailure(new OverlayError('deadline_exceeded', 'late'), ASKED).message).toContain(
      '--timeout',
    );
  });

  it('keeps what the system said and drops how gRPC wrapped it', () => {
    const words = 'connect ECONNREFUSED 10.0.0.1:5060';
    const wrapped = `No connection established. Last error: Error: ${words}. Resolution note: `;
    expect(explainFailure(new OverlayError('unavailable', wrapped), ASKED).message).toContain(`(${words}):`);
  });

  it.each([
    'no master leads at the moment: try again',
    "the commit's outcome is unknown: connect ECONNREFUSED 10.0.0.9:2379",
    'the overlay log is not loaded yet',
  ])('does not call a server unreachable that answers %j', (words) => {
    const error = explainFailure(new OverlayError('unavailable', words), ASKED);
    expect(error.message).toBe(`the master at 10.0.0.1:5060 says: ${words}`);
  });

  it.each([
    'Connection dropped',
    'read ECONNRESET',
    'self-signed certificate',
    'the connection was closed at once',
    'the answer is no gRPC',
    'TLS: wrong version number',
    'the name in m:1 cannot be resolved',
  ])('names the way out after %j', (words) => {
    expect(explainFailure(new OverlayError('unavailable', words), ASKED).message).toBe(
      `cannot reach the master at 10.0.0.1:5060 (${words}): start it`,
    );
  });

  it('tells whose socket it is', () => {
    const words = 'connect EACCES /run/overlay/agent.sock';
    expect(explainFailure(new OverlayError('unavailable', words), ASKED).message).toBe(
      `cannot reach the master at 10.0.0.1:5060 (${words}): repeat this as root or as the user that owns the socket`,
    );
  });

  it('names the server that ended the call, as one does that stops', () => {
    expect(explainFailure(new OverlayError('aborted', 'Call cancelled'), ASKED).message).toBe(
      'the master at 10.0.0.1:5060 ended the call (Call cancelled): repeat this',
    );
  });

  it('names the leader', () => {
    const error = new OverlayError('unavailable', 'not the leader', { leader: '10.0.0.2:5060' });
    expect(explainFailure(error, ASKED).message).toContain('--master 10.0.0.2:5060');
  });

  it("leaves the server's own words alone", () => {
    const error = new OverlayError('not_found', 'there is no network "x"');
    expect(explainFailure(error, ASKED)).toBe(error);
  });
});
