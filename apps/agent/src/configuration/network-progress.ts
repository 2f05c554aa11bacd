/** How far the configuration of one network on this host has come. */
export type NetworkProgress =
  /** Assigned, not tried yet. */
  | { readonly kind: 'pending' }
  /** A daemon of the host is away; no attempt is used up. */
  | { readonly kind: 'waiting'; readonly reason: string }
  /** Failed; will be tried again soon. */
  | { readonly kind: 'retrying'; readonly error: string; readonly failures: number }
  /** Done. */
  | { readonly kind: 'configured' }
  /** Failed for good, until something changes. */
  | { readonly kind: 'failed'; readonly error: string };

/** Progress by network id. */
export type HostProgress = ReadonlyMap<string, NetworkProgress>;
