import { OverlayError } from '@overlay/failure';

/** The most hosts a demo takes: each brings four containers and seven processes. */
export const MAX_DEMO_HOSTS = 20;

/** The most masters a demo takes. */
export const MAX_DEMO_MASTERS = 5;

/** Where the overlay log is kept. */
export const LOG_KINDS = ['embedded', 'etcd'] as const;

/** What the user asked for. */
export interface DemoOptions {
  readonly hosts: number;
  readonly masters: number;
  readonly log: (typeof LOG_KINDS)[number];
  /** Kill the leader after the checks and check again. */
  readonly killLeader: boolean;
  readonly keep: boolean;
  /** Name under which a kept demo is found again. */
  readonly name: string;
}

/** Refuses options that do not go together. @throws OverlayError `invalid_argument` naming the way out. */
export function requireFitting({ masters, log, killLeader }: DemoOptions): void {
  if (masters > 1 && log === 'embedded') {
    throw new OverlayError(
      'invalid_argument',
      `--masters ${masters} cannot share an embedded log: add --log etcd`,
    );
  }
  if (killLeader && masters === 1) {
    throw new OverlayError(
      'invalid_argument',
      '--kill-leader leaves nobody to take over: add --log etcd --masters 3',
    );
  }
}
