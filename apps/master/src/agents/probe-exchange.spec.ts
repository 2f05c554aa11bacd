import { describe, expect, it } from '@jest/globals';
import { ProbeContainerRequest } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { parseNodeId } from '@overlay/model';
import { statusMessageOf } from '@overlay/rpc';
import { ProbeExchange } from './probe-exchange.js';

const NODE = parseNodeId('n1');
const FOUND = { healthy: true, detail: 'port 80 is open', durationMs: 3 };
const TCP = ProbeContainerRequest.fromPartial({
  container: 'web',
  probe: { $case: 'tcp', value: { port: 80 } },
});
const COMMAND = ProbeContainerRequest.fromPartial({
  container: 'web',
  probe: { $case: 'command', value: { argv: ['true'] } },
});

/** An exchange whose time passes when told, with one agent connected. */
function connected({ secure = true } = {}) {
  const wakes: (() => void)[] = [];
  const exchange = new ProbeExchange({
    sleep: (_durationMs, signal) =>
      new Promise((resolve) => {
        wakes.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
  });
  const gone = new AbortController();
  const orders = exchange.orders(NODE, secure, gone.signal);
  const order = (probe = TCP) => ({ probe, waitMs: 5, signal: new AbortController().signal });
  const timePasses = () => {
    for (const wake of wakes.splice(0)) wake();
  };
  return { exchange, orders, leave: () => gone.abort(), order, timePasses };
}

async function nextOrder(orders: AsyncIterator<{ readonly probeId: string }>) {
  const { value } = await orders.next();
  return value as { readonly probeId: string };
}

describe('ProbeExchange', () => {
  it('hands each probe to the agent and its answer to who asked', async () => {
    const { exchange, orders, order } = connected();
    const first = nextOrder(orders);
    const asked = exchange.probe(NODE, order());
    const { probeId } = await first;
    const second = nextOrder(orders);
    const askedToo = exchange.probe(NODE, order());
    exchange.answer(NODE, (await second).probeId, {
      $case: 'failure',
      value: statusMessageOf(new OverlayError('not_found', 'no such container')),
    });
    exchange.answer(NODE, probeId, { $case: 'result', value: FOUND });
    await expect(asked).resolves.toEqual(FOUND);
    await expect(askedToo).rejects.toMatchObject({ code: 'not_found', message: 'no such container' });
  });

  it('tells which field of the request the agent found wrong', async () => {
    const { exchange, orders, order } = connected();
    const next = nextOrder(orders);
    const asked = exchange.probe(NODE, order());
    const wrong = OverlayError.invalid([{ field: 'tcp.port', description: '0 is no port' }], 'probe');
    exchange.answer(NODE, (await next).probeId, { $case: 'failure', value: statusMessageOf(wrong) });
    await expect(asked).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'probe.tcp.port: 0 is no port',
      violations: [{ field: 'probe.tcp.port', description: '0 is no port' }],
    });
  });

  it('drops answers that nobody waits for', async () => {
    const { exchange, orders, order, timePasses } = connected();
    const next = nextOrder(orders);
    const asked = exchange.probe(NODE, order());
    const { probeId } = await next;
    timePasses();
    await expect(asked).rejects.toMatchObject({ code: 'deadline_exceeded' });
    exchange.answer(NODE, probeId, { $case: 'result', value: FOUND });
    exchange.answer(NODE, 'never', { $case: 'result', value: FOUND });
    exchange.answer(parseNodeId('n2'), probeId, undefined);
  });

  it('gives no order whose caller has left before the agent took it', async () => {
    const { exchange, orders, order, timePasses } = connected();
    const first = nextOrder(orders);
    const taken = exchange.probe(NODE, order());
    const { probeId } = await first;
    const left = exchange.probe(NODE, order());
    timePasses();
    await expect(taken).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect(left).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const asked = exchange.probe(NODE, order());
    const next = await nextOrder(orders);
    expect(Number(next.probeId) - Number(probeId)).toBe(2);
    exchange.answer(NODE, next.probeId, { $case: 'result', value: FOUND });
    await expect(asked).resolves.toEqual(FOUND);
  });

  it('fails what is open when the agent goes, and says who is not connected', async () => {
    const { exchange, orders, order, leave } = connected();
    const next = nextOrder(orders);
    const asked = exchange.probe(NODE, order());
    await next;
    const end = orders.next();
    leave();
    await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
    await expect(end).resolves.toMatchObject({ done: true });
    await expect(exchange.probe(NODE, order())).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('ends the stream before when the node opens another', async () => {
    const { exchange, orders, order } = connected();
    const end = orders.next();
    const again = exchange.orders(NODE, true, new AbortController().signal);
    const next = nextOrder(again);
    await expect(end).resolves.toMatchObject({ done: true });
    const asked = exchange.probe(NODE, order());
    exchange.answer(NODE, (await next).probeId, { $case: 'result', value: FOUND });
    await expect(asked).resolves.toEqual(FOUND);
  });

  it('sends no command to an agent that no certificate vouches for', async () => {
    const { exchange, orders, order } = connected({ secure: false });
    const next = nextOrder(orders);
    await expect(exchange.probe(NODE, order(COMMAND))).rejects.toMatchObject({ code: 'permission_denied' });
    const asked = exchange.probe(NODE, order());
    exchange.answer(NODE, (await next).probeId, { $case: 'result', value: FOUND });
    await expect(asked).resolves.toEqual(FOUND);
  });

  it('bounds what one agent has open', async () => {
    const { exchange, orders, order, leave } = connected();
    const next = nextOrder(orders);
    const asked = Array.from({ length: 256 }, () => exchange.probe(NODE, order()));
    await next;
    await expect(exchange.probe(NODE, order())).rejects.toMatchObject({ code: 'resource_exhausted' });
    leave();
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  });
});
