import { ADMISSION_TABLE } from '../ownership.js';
import { type CommandRunner, outputOf } from './command-runner.js';

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

/** Reads the counters of the admission table; nothing was dropped where there is none. */
export async function readAdmissionDrops(runner: CommandRunner, timeoutMs: number): Promise<AdmissionDrops> {
  const args = ['-j', '-t', 'list', 'table', 'inet', ADMISSION_TABLE];
  const text = await outputOf(runner, 'nft', args, timeoutMs);
  return parseAdmissionDrops(text === '' ? { nftables: [] } : (JSON.parse(text) as NftTableJson));
}

/** The counters in what `nft -j -t list table` prints. */
export function parseAdmissionDrops({ nftables }: NftTableJson): AdmissionDrops {
  const dropped = (chain: string) =>
    nftables
      .flatMap(({ rule }) => (rule?.chain === chain ? rule.expr : []))
      .reduce((total, { counter }) => total + (counter?.packets ?? 0), 0);
  return { stranger: dropped('input'), source: dropped('tunnel') };
}
