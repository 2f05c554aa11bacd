/** Every address that its half has for containers, in the order in which they are given out first. */
export const USABLE: readonly string[] = ['9.0.1.2', '9.0.1.3', '9.0.1.4', '9.0.1.5', '9.0.1.6'];

/** How a request ends. */
export type Outcome = 'done' | 'already_exists' | 'not_found' | 'resource_exhausted';

/** What a container holds. */
export interface Held {
  readonly ip: string;
  /** Whether a framework holds it, of whom CNI's GC knows nothing. */
  readonly framework: boolean;
  /** Absent if a framework told none. */
  readonly path?: string;
  readonly bootId: string;
  seen: boolean;
}

/** What the IPAM should do, written as plainly as it can be, for tests: lists that are searched. */
export class ReferenceIpam {
  readonly held = new Map<string, Held>();
  readonly reserved = new Map<string, { ip: string; ttlMs: number; sinceMs: number }>();
  /** Addresses that were given back, the oldest first. */
  freed: string[] = [];

  holderOf(ip: string): string | undefined {
    return [...this.held].find(([, each]) => each.ip === ip)?.[0];
  }

  reservationOf(ip: string): string | undefined {
    return [...this.reserved].find(([, each]) => each.ip === ip)?.[0];
  }

  next(): string | undefined {
    const isTaken = (ip: string) => this.holderOf(ip) !== undefined || this.reservationOf(ip) !== undefined;
    return USABLE.find((ip) => !isTaken(ip) && !this.freed.includes(ip)) ?? this.freed[0];
  }

  add(id: string, wanted: string | undefined, rest: Omit<Held, 'ip'>): Outcome {
    const own = this.held.get(id);
    if (own !== undefined && wanted !== undefined && own.ip !== wanted) return 'already_exists';
    const holder = wanted === undefined ? undefined : this.holderOf(wanted);
    if (holder !== undefined && holder !== id) {
      const left = this.held.get(holder);
      if (left === undefined || left.bootId === rest.bootId) return 'already_exists';
      this.del(holder);
    }
    const ip = own?.ip ?? wanted ?? this.next();
    if (ip === undefined) return 'resource_exhausted';
    const before = own?.bootId === rest.bootId ? own : undefined;
    const path = rest.path ?? before?.path;
    const seen = rest.seen || (before?.path === path && before?.seen === true);
    this.held.set(id, { ip, ...rest, ...(path === undefined ? {} : { path }), seen });
    this.#take(ip);
    return 'done';
  }

  del(id: string): void {
    const own = this.held.get(id);
    if (own === undefined) return;
    this.held.delete(id);
    if (this.reservationOf(own.ip) === undefined) this.freed.push(own.ip);
  }

  reserve(name: string, wanted: string | undefined, ttlMs: number, sinceMs: number): Outcome {
    const own = this.reserved.get(name);
    if (own !== undefined && wanted !== undefined && own.ip !== wanted) return 'already_exists';
    if (own === undefined && wanted !== undefined) {
      if (this.holderOf(wanted) !== undefined || this.reservationOf(wanted) !== undefined)
        return 'already_exists';
    }
    const ip = own?.ip ?? wanted ?? this.next();
    if (ip === undefined) return 'resource_exhausted';
    this.reserved.set(name, { ip, ttlMs, sinceMs });
    this.#take(ip);
    return 'done';
  }

  unreserve(name: string): void {
    const own = this.reserved.get(name);
    if (own === undefined) return;
    this.reserved.delete(name);
    if (this.holderOf(own.ip) === undefined) this.freed.push(own.ip);
  }

  #take(ip: string): void {
    this.freed = this.freed.filter((other) => other !== ip);
  }
}
