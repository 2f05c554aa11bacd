import { printable } from './printable.js';

/** How many objects are shown by name. */
const SHOWN = 20;

const STAY = 'net.ipv4.ip_forward and net.ipv6.conf.all.forwarding stay as they are.';

/** What a purge will touch: the kernel's objects, then what the agent made. */
export function renderPurge(kernel: readonly string[], made: readonly string[]): string {
  const effect = `${count(kernel.length + made.length)} of the overlay found; what can be removed will be, and the containers of this host lose the overlay:`;
  return [
    effect,
    ...list(kernel),
    ...list(made),
    STAY,
    'Stop overlay-agent first: it would configure the host again.',
  ].join('\n');
}

/** What a purge did and what is there now. */
export interface PurgeOutcome {
  /** Objects of the kernel that were removed, by number. */
  readonly removedFromKernel: number;
  /** What the agent made and is gone now. */
  readonly removed: readonly string[];
  /** Objects of the kernel that are there. */
  readonly kernel: readonly string[];
  /** What the agent made and is there. */
  readonly made: readonly string[];
  /** What stays on purpose. */
  readonly kept: readonly string[];
}

/** What a purge removed, what is there now, and what stays on purpose. */
export function renderLeftovers(outcome: PurgeOutcome): string {
  const { removedFromKernel, removed, kernel, made, kept } = outcome;
  const gone = removedFromKernel + removed.length;
  const left = kernel.length + made.length;
  return [
    ...(gone > 0 ? [`removed ${count(gone)}`, ...list(removed), STAY] : []),
    ...(left === 0
      ? ['nothing of the overlay is on this host but what stays on purpose:']
      : [`${count(left)} of the overlay on this host:`, ...list(kernel), ...list(made), 'Stays on purpose:']),
    ...list(kept),
  ].join('\n');
}

function list(objects: readonly string[]): readonly string[] {
  const more = objects.length > SHOWN ? [`  … and ${objects.length - SHOWN} more`] : [];
  return [...objects.slice(0, SHOWN).map((object) => `  ${printable(object)}`), ...more];
}

function count(objects: number): string {
  return objects === 1 ? '1 object' : `${objects} objects`;
}
