import { OverlayError } from '@overlay/failure';
import { ADMISSION_TABLE } from '../ownership.js';
import type { CommandRunner } from './command-runner.js';

/** How many packets the admission table has dropped since it was made. */
export interface AdmissionDrops {
  /** VXLAN datagrams from addresses that are no peer's. */
  readonly stranger: number;
  /** Packets out of the tunnel with a source that this host would not answer through it. */
  readonly source: number;
}

interface NftTableJson {
  readonly nftables: readonly {
    readonly rule?: {
      readonly chain: string;
      readonly expr: readonly { readonly counter?: { readonly packets: number } }[];
    };
  }[];
}

const NO_TABLE = /No such file or directory/;

/**
 * Reads the counters of the admission table; nothing was dropped where there is none.
 * @throws OverlayError `unavailable` with the tool's words if they cannot be read, `deadline_exceeded`.
 */
export async function readAdmissionDrops(runner: CommandRunner, timeoutMs: number): Promise<AdmissionDrops> {
  const args = ['-j', '-t', 'list', 'table', 'inet', ADMISSION_TABLE];
  const { exitCode, stdout, stderr } = await runner.run('nft', args, '', timeoutMs);
  if (exitCode === 0) return parseAdmissionDrops(JSON.parse(stdout) as NftTableJson);
  if (NO_TABLE.test(stderr)) return parseAdmissionDrops({ nftables: [] });
  throw new OverlayError('unavailable', `nft ${args.join(' ')} failed: ${stderr.trim()}`);
}

/**
 * Tells how many packets were dropped since it was last asked. A reading that fails tells nothing, and the next makes up
 * for it; who asks while another reading is under way gets what is left of that one.
 */
export function admissionDropGrowth(read: () => Promise<AdmissionDrops>): () => Promise<AdmissionDrops> {
  let before: AdmissionDrops = { stranger: 0, source: 0 };
  let reading: Promise<AdmissionDrops> | undefined;
  return async () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    const now = await reading.catch(() => before);
    const grown = {
      stranger: growth(before.stranger, now.stranger),
      source: growth(before.source, now.source),
    };
    before = now;
    return grown;
  };
}

/** A table that was made anew counts from zero. */
function growth(before: number, now: number): number {
  return now < before ? now : now - before;
}

/** The counters in what `nft -j -t list table` prints. */
export function parseAdmissionDrops({ nftables }: NftTableJson): AdmissionDrops {
  const dropped = (chain: string) =>
    nftables
      .flatMap(({ rule }) => (rule?.chain === chain ? rule.expr : []))
      .reduce((total, { counter }) => total + (counter?.packets ?? 0), 0);
  return { stranger: dropped('input'), source: dropped('tunnel') };
}
