import { describe, expect, it } from '@jest/globals';
import { renderProbe } from './render-probe.js';

describe('renderProbe', () => {
  it('says what was found and where it was asked from', () => {
    const found = { healthy: true, detail: 'port 80 accepts', durationMs: 2 };
    expect(renderProbe(found, '10.0.0.1')).toBe('healthy: port 80 accepts (2 ms, from 10.0.0.1)');
  });

  it('lets no container steer the terminal', () => {
    const found = { healthy: false, detail: '\u001b]0;mine\u0007\u001b[2Jone\ntwo', durationMs: 2 };
    expect(renderProbe(found, '10.0.0.1')).toBe('unhealthy: ]0;mine [2Jone two (2 ms, from 10.0.0.1)');
  });
});
