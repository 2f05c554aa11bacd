import { describe, expect, it } from '@jest/globals';
import type { NodeId } from '@overlay/model';
import { Connections, GRACE_AFTER_LEADER_CHANGE_MS } from './connections.js';

const A = 'a' as NodeId;
const B = 'b' as NodeId;

function connectionsAt() {
  const clock = { nowMs: 1_000 };
  return { clock, connections: new Connections(() => clock.nowMs) };
}

describe('Connections', () => {
  it('counts a node while any of its streams is open', () => {
    const { connections } = connectionsAt();
    const [first, second] = [connections.open(A), connections.open(A)];
    first();
    first();
    expect(connections.isConnected(A)).toBe(true);
    expect(connections.streaming).toBe(1);
    second();
    expect(connections.isConnected(A)).toBe(false);
    expect(connections.streaming).toBe(0);
  });

  it('takes recorded nodes for connected after a change of leader, until they came and went or time is up', () => {
    const { clock, connections } = connectionsAt();
    connections.beginGrace([A, B]);
    expect(connections.isConnected(A)).toBe(true);
    expect(connections.isStreaming(A)).toBe(false);
    connections.open(A)();
    expect(connections.isConnected(A)).toBe(false);
    expect(connections.isConnected(B)).toBe(true);
    clock.nowMs += GRACE_AFTER_LEADER_CHANGE_MS;
    expect(connections.isConnected(B)).toBe(false);
  });

  it('knows how long a node has been away, counted from the change of leader at the earliest', () => {
    const { clock, connections } = connectionsAt();
    const close = connections.open(A);
    clock.nowMs += 500;
    close();
    connections.beginGrace([B]);
    clock.nowMs += GRACE_AFTER_LEADER_CHANGE_MS;
    expect(connections.awayMs(A)).toBe(GRACE_AFTER_LEADER_CHANGE_MS);
    expect(connections.awayMs(B)).toBe(GRACE_AFTER_LEADER_CHANGE_MS);
    connections.open(B);
    expect(connections.awayMs(B)).toBe(0);
  });

  it('knows the process that registered a node last', () => {
    const connections = new Connections(() => 0);
    connections.noteSession(A, 'one');
    expect(connections.isOwnSession(A, 'one')).toBe(true);
    expect(connections.isOwnSession(A, 'two')).toBe(false);
    connections.noteSession(A, '');
    expect(connections.isOwnSession(A, '')).toBe(false);
    connections.noteSession(A, 'one');
    connections.forget(A);
    expect(connections.isOwnSession(A, 'one')).toBe(false);
  });
});
