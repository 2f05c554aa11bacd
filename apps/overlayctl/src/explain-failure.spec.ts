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

  it('names the leader', () => {
    const error = new OverlayError('unavailable', 'not the leader', { leader: '10.0.0.2:5060' });
    expect(explainFailure(error, ASKED).message).toContain('--master 10.0.0.2:5060');
  });

  it("leaves the server's own words alone", () => {
    const error = new OverlayError('not_found', 'there is no network "x"');
    expect(explainFailure(error, ASKED)).toBe(error);
  });
});
