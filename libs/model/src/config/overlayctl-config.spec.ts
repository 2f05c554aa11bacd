import { describe, expect, it } from '@jest/globals';
import { overlayctlConfiguration } from './overlayctl-config.js';

describe('overlayctlConfiguration', () => {
  it('has the documented defaults', () => {
    expect(overlayctlConfiguration.defaults()).toEqual({
      master: '127.0.0.1:5060',
      timeoutSeconds: 10,
      json: false,
      sockets: {
        agent: 'unix:/run/overlay/agent.sock',
        dataplane: 'unix:/run/overlay/dataplane.sock',
        ipam: 'unix:/run/overlay/ipam.sock',
      },
    });
  });

  it('reads every key', () => {
    const tls = { ca: '/etc/ca.pem', cert: '/etc/cert.pem', key: '/etc/key.pem' };
    const raw = {
      master: '[FD00::1]:99',
      timeout: 2.5,
      json: true,
      tls,
      sockets: { agent: '/run/a.sock', dataplane: 'unix:/run/d.sock', ipam: 'localhost:1' },
    };
    expect(overlayctlConfiguration.parse(raw)).toEqual({
      master: '[fd00::1]:99',
      timeoutSeconds: 2.5,
      json: true,
      tls,
      sockets: { agent: 'unix:/run/a.sock', dataplane: 'unix:/run/d.sock', ipam: 'localhost:1' },
    });
    expect(overlayctlConfiguration.files(raw).map((file) => file.key)).toEqual([
      'tls.ca',
      'tls.cert',
      'tls.key',
    ]);
  });

  it.each([
    [{ masters: 'x:1' }, /masters: unknown key "masters"; did you mean master\?/],
    [{ sockets: { docker: '/x' } }, /sockets\.docker: unknown key/],
    [{ master: 'nowhere' }, /master: "nowhere" is no address/],
    [{ master: 'x:0' }, /master: "x:0" is no address/],
    [{ timeout: 0 }, /timeout: 0 is wrong here: give a number above 0/],
    [{ timeout: '10' }, /timeout: "10" is wrong here/],
    [{ tls: { ca: '/ca.pem' } }, /tls\.cert: is missing.*\n.*tls\.key: is missing/],
  ])('refuses %j and names the key', (raw, reason) => {
    expect(() => overlayctlConfiguration.parse(raw)).toThrow(reason);
  });
});
