import { byId } from './dom/element.js';
import { describeFreshness, type Freshness } from './freshness.js';
import { NetworksPage } from './networks-page.js';
import { type StateAnswer, watchState } from './state/watch-state.js';

const FETCH_TIMEOUT_MS = 20_000;
const TICK_MS = 1_000;

const banner = byId('freshness', HTMLElement);
const headline = byId('freshness-headline', HTMLElement);
const detail = byId('freshness-detail', HTMLElement);
const page = new NetworksPage();
let freshness: Freshness = { kind: 'loading' };

function showFreshness(): void {
  const text = describeFreshness(freshness, performance.now());
  banner.className = freshness.kind;
  if (headline.textContent !== text.headline) headline.textContent = text.headline;
  detail.textContent = text.detail;
}

async function readState(): Promise<StateAnswer> {
  const answer = await fetch('overlay-master/state', {
    cache: 'no-store',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  }).catch((cause: unknown) => {
    const why =
      cause instanceof DOMException && cause.name === 'TimeoutError'
        ? 'does not answer in time'
        : 'cannot be reached';
    throw new Error(`the master ${why}`, { cause });
  });
  if (!answer.ok) throw new Error(`the master answers ${answer.status} ${answer.statusText}`);
  return { text: await answer.text(), doubt: answer.headers.get('overlay-stale') ?? '' };
}

/** Waits, and as long as nobody sees the page goes on waiting. */
async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
  }
}

setInterval(showFreshness, TICK_MS);
const sightings = watchState({
  readState,
  pause,
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
});
for await (const sighting of sightings) {
  const nowMs = performance.now();
  if (sighting.kind === 'failed') {
    const seenAtMs: number | undefined = freshness.kind === 'loading' ? undefined : freshness.seenAtMs;
    freshness = { kind: 'stale', reason: sighting.reason, seenAtMs, retryAtMs: nowMs + sighting.retryInMs };
  } else {
    if (sighting.kind === 'changed') page.render(sighting.cluster);
    const { doubt } = sighting;
    freshness =
      doubt === '' ? { kind: 'live', seenAtMs: nowMs } : { kind: 'doubtful', reason: doubt, seenAtMs: nowMs };
  }
  showFreshness();
}
