import type { KernelChange } from '../kernel-tables.js';
import { ADMISSION_SET, ADMISSION_TABLE } from '../ownership.js';
import { halve } from './apply-transaction.js';

/**
 * The `nft -f` script that makes changes of tables and of the admission set, one transaction. A table is replaced as a
 * whole: `table` first makes the deletion succeed when there is none.
 */
export function nftScript(changes: readonly KernelChange[]): string {
  const elements = { add: [] as string[], delete: [] as string[] };
  const tables = changes.flatMap(({ op, object }) => {
    if (object.kind === 'admission') elements[op === 'remove' ? 'delete' : 'add'].push(object.address);
    if (object.kind !== 'nftables') return [];
    const name = `${object.family} ${object.name}`;
    return [`table ${name}\ndelete table ${name}`, ...(op === 'remove' ? [] : [object.content])];
  });
  const lines = (['delete', 'add'] as const).flatMap((verb) => {
    const list = elements[verb];
    const set = `inet ${ADMISSION_TABLE} ${ADMISSION_SET}`;
    return list.length === 0 ? [] : [`${verb} element ${set} { ${list.join(', ')} }`];
  });
  return `${[...tables, ...lines].join('\n')}\n`;
}

/**
 * The parts in which a refused transaction is tried: the admission table stays with the elements that are written with it,
 * for without them it shuts the tunnel to their peers.
 */
export function divideNft(changes: readonly KernelChange[]): readonly (readonly KernelChange[])[] {
  const isAdmission = ({ object }: KernelChange) =>
    object.kind === 'admission' || (object.kind === 'nftables' && object.name === ADMISSION_TABLE);
  const makesTable = changes.some(
    (change) => change.op !== 'remove' && change.object.kind === 'nftables' && isAdmission(change),
  );
  if (!makesTable) return halve(changes);
  const parts = [changes.filter((change) => !isAdmission(change)), changes.filter(isAdmission)];
  return parts.filter(({ length }) => length > 0);
}
