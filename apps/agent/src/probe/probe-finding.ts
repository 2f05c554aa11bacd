/** What a probe found. That a container does not answer is a finding, not a failure of the probe. */
export interface ProbeFinding {
  readonly healthy: boolean;
  /** One line for people. */
  readonly detail: string;
}

/** @param detail what was found, one line */
export function unhealthy(detail: string): ProbeFinding {
  return { healthy: false, detail };
}

/** @param detail what was found, one line */
export function healthy(detail: string): ProbeFinding {
  return { healthy: true, detail };
}
