import type { UnderlayLink } from '../desired/mtu-fit.js';
import type { KernelObjectKind } from '../kernel/kernel-object.js';
import type { KernelSnapshot, ReadScope, SilentHelper } from '../kernel/kernel-tables.js';

/** What is left as it is meanwhile. */
const AFFECTED: Readonly<Record<SilentHelper['kind'], string>> = {
  link: 'the driver of the underlay device is not looked at',
  offload: 'checksum offload is left as it is',
  'docker-accept': "the rules in Docker's chains are left as they are",
};

/** The programs that did not answer when they were last asked. */
export class SilentHelpers {
  readonly #errors = new Map<KernelObjectKind, readonly string[]>();

  /** Takes what a look at `part` of the kernel found; what it was not about stays as it was. */
  note(silent: readonly SilentHelper[], { kinds, only }: Pick<ReadScope, 'kinds' | 'only'>): void {
    for (const kind of ['link', 'offload', 'docker-accept'] as const) {
      const errors = silent.filter((helper) => helper.kind === kind).map(({ error }) => error);
      const asked = only === undefined && (kinds?.has(kind) ?? true);
      if (errors.length > 0) this.#errors.set(kind, errors);
      else if (asked) this.#errors.delete(kind);
    }
  }

  /** One line for each part that could not be read. */
  get warnings(): readonly string[] {
    return (Object.keys(AFFECTED) as readonly SilentHelper['kind'][]).flatMap((kind) => {
      const errors = this.#errors.get(kind);
      return errors === undefined ? [] : [`${AFFECTED[kind]} until it can be read: ${errors.join(', ')}`];
    });
  }
}

/** The underlay device as it was read; its driver is that of before if it could not be read. */
export function knownUnderlay(
  { underlay, silent = [] }: Pick<KernelSnapshot, 'underlay' | 'silent'>,
  before: UnderlayLink | undefined,
): UnderlayLink | undefined {
  if (underlay === undefined || before?.driver === undefined || before.device !== underlay.device)
    return underlay;
  return silent.some(({ kind }) => kind === 'link') ? { ...underlay, driver: before.driver } : underlay;
}
