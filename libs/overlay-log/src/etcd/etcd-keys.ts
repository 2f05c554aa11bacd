import { FORMAT_KEY } from '../log-format.js';

const REVISION = 'meta/revision';
const LEADER = 'leader';

/**
 * The log's keys in etcd. Beside the entries (`keyOf`) there are `meta/format`, `leader` (under the leader's
 * lease, its value the candidate), and `meta/revision`, which every commit writes: its modification revision is
 * the revision of the last commit.
 */
export class EtcdKeys {
  readonly leader: Buffer;
  readonly format: Buffer;
  readonly revision: Buffer;
  /** First key of the log's range. */
  readonly start: Buffer;
  /** First key behind the claims, which make up about half of a large log. */
  readonly middle: Buffer;
  /** First key behind the log's range. */
  readonly end: Buffer;
  /** Every key of the log starts with it. */
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.leader = this.at(LEADER);
    this.format = this.at(FORMAT_KEY);
    this.revision = this.at(REVISION);
    this.start = Buffer.from(prefix);
    this.middle = this.at('claim0');
    // The prefix ends with a slash, so the end of its range has the slash's successor there.
    this.end = Buffer.from(prefix.replace(/\/$/, '0'));
  }

  /**
   * The logs that every key of this one would belong to, if they are there: those of the prefixes that this one begins
   * with.
   */
  get outer(): readonly EtcdKeys[] {
    const folders = this.prefix.split('/').slice(1, -2);
    return folders.map((_, index) => new EtcdKeys(`/${folders.slice(0, index + 1).join('/')}/`));
  }

  /** The key in etcd of an entry. */
  at(key: string): Buffer {
    return Buffer.from(this.prefix + key);
  }

  /** The entry's key that a key in etcd stands for; `undefined` for one of the log's own marks. */
  entryOf(key: string): string | undefined {
    const entry = key.slice(this.prefix.length);
    return entry === LEADER || entry === FORMAT_KEY || entry === REVISION ? undefined : entry;
  }
}
