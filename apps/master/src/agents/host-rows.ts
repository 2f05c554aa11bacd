import { OrderedMap } from '@overlay/allocation';
import type { NodeId } from '@overlay/model';

/** A row of a report; all rows of one report name the same agent. */
interface HostRow {
  readonly agentIp: string;
}

/** A row with what puts it in order, which is also the token of a page that ends with it. */
export interface KeyedRow<Row> {
  readonly key: string;
  readonly row: Row;
}

interface Host<Row> {
  readonly agentIp: string;
  /** Ascending by key, every key once. */
  readonly rows: readonly Row[];
}

const SEPARATOR = '\n';

/**
 * The rows that agents reported, in the order of agent address, node and then the row's own key. A report that
 * changed costs sorting that one report and the logarithm of the number of agents; a row that is read costs nothing
 * but itself, wherever reading begins. Addresses and node ids hold no line feed, so that keys sort as their parts do.
 */
export class HostRows<Row extends HostRow> {
  readonly #hosts = new OrderedMap<string, Host<Row>>();
  readonly #keyOf: (row: Row) => string;

  /** @param keyOf a row's key among those of its report. Of two rows with one key the later is kept. */
  constructor(keyOf: (row: Row) => string) {
    this.#keyOf = keyOf;
  }

  /** Takes over what an agent reports in place of what it reported before. */
  replace(node: NodeId, before: readonly Row[], after: readonly Row[]): void {
    const [known] = before;
    const [first] = after;
    if (known !== undefined && known.agentIp !== first?.agentIp) this.#hosts.delete(hostKey(known, node));
    if (first === undefined) return;
    const keyed = new Map(after.map((row) => [this.#keyOf(row), row]));
    const rows = [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    this.#hosts.set(hostKey(first, node), { agentIp: first.agentIp, rows });
  }

  /**
   * The rows whose keys are greater than `key`, which need not be there; all of them without one. No report may
   * change meanwhile.
   * @param agentIp only the rows of this agent, found without reading others; '' for all.
   */
  *after(key: string | undefined, agentIp = ''): Generator<KeyedRow<Row>> {
    const from = key ?? '';
    const start = agentIp === '' ? hostPart(from) : later(hostPart(from), agentIp + SEPARATOR);
    for (const { key: host, value } of this.#hosts.entriesFrom(start)) {
      if (agentIp !== '' && value.agentIp !== agentIp) return;
      const { rows } = value;
      for (let at = from < host ? 0 : this.#firstAfter(rows, host, from); at < rows.length; at += 1) {
        const row = rows[at];
        if (row !== undefined) yield { key: host + this.#keyOf(row), row };
      }
    }
  }

  #firstAfter(rows: readonly Row[], host: string, key: string): number {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = rows[middle];
      if (row !== undefined && host + this.#keyOf(row) <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function hostKey({ agentIp }: HostRow, node: NodeId): string {
  return agentIp + SEPARATOR + node + SEPARATOR;
}

/** The part of a row's key that is its host's; of any other text something that is not above it. */
function hostPart(key: string): string {
  const address = key.indexOf(SEPARATOR);
  const node = key.indexOf(SEPARATOR, address + 1);
  return address < 0 || node < 0 ? key : key.slice(0, node + 1);
}

function later(a: string, b: string): string {
  return a < b ? b : a;
}
