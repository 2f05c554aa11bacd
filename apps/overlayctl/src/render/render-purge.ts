import { printable } from './printable.js';

/** How many objects are shown by name. */
const SHOWN = 20;

const STAY = 'net.ipv4.ip_forward and net.ipv6.conf.all.forwarding stay as they are.';

/** What a purge will touch. */
export function renderPurge(objects: readonly string[]): string {
  const effect = `${count(objects.length)} will be removed, and the containers of this host lose the overlay:`;
  return [
    effect,
    ...list(objects),
    STAY,
    'Stop overlay-agent first: it would configure the host again.',
  ].join('\n');
}

/** What a purge removed and what is there now. */
export function renderLeftovers(removed: number, leftovers: readonly string[]): string {
  const done = removed > 0 ? [`removed ${count(removed)}`, STAY] : [];
  const left =
    leftovers.length === 0
      ? ['nothing of the overlay is on this host']
      : [`${count(leftovers.length)} of the overlay on this host:`, ...list(leftovers)];
  return [...done, ...left].join('\n');
}

function list(objects: readonly string[]): readonly string[] {
  const more = objects.length > SHOWN ? [`  … and ${objects.length - SHOWN} more`] : [];
  return [...objects.slice(0, SHOWN).map((object) => `  ${printable(object)}`), ...more];
}

function count(objects: number): string {
  return objects === 1 ? '1 kernel object' : `${objects} kernel objects`;
}
