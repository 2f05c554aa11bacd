import type { Stack } from '../stack/stack.js';

/** One thing to try on a cluster that is up. */
export interface Check {
  readonly name: string;
  /** @returns what was seen, in a few words. @throws if it is not as it should be. */
  run(cluster: CheckedCluster): Promise<string>;
}

/** What came of a check. */
export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  /** What was seen, or what is wrong. */
  readonly words: string;
}

/** The cluster that is tried, and what is known of it from outside. */
export interface CheckedCluster {
  readonly stack: Stack;
  /** An empty folder, where no tool finds a configuration of its own. */
  readonly folder: string;
}
