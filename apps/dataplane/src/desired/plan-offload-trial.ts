/** What came back to a question to peers: something of at least one of them, or nothing of any. */
export type TrialAnswer = 'answered' | 'silent';

/** A question that was asked. */
export interface AskedQuestion {
  /** Whether checksum offload was on. */
  readonly on: boolean;
  readonly answer: TrialAnswer;
}

/** What a trial ends with. `works`: offload may be on; `spoils`: not; `inconclusive`: nobody answers either way. */
export type TrialVerdict = 'works' | 'spoils' | 'inconclusive';

/** What a trial does next. */
export type TrialStep =
  | { readonly step: 'ask'; readonly on: boolean }
  | { readonly step: 'conclude'; readonly verdict: TrialVerdict };

/**
 * What follows from the questions so far. Peers that answer with offload on have seen right checksums. Silence with it
 * on and an answer with it off are not enough to keep it off: the peers may have come up in between, so it is asked
 * with offload on once more.
 */
export function planOffloadTrial(asked: readonly AskedQuestion[]): TrialStep {
  const last = asked.at(-1);
  if (last === undefined) return { step: 'ask', on: true };
  if (last.on && last.answer === 'answered') return { step: 'conclude', verdict: 'works' };
  if (!last.on)
    return last.answer === 'answered'
      ? { step: 'ask', on: true }
      : { step: 'conclude', verdict: 'inconclusive' };
  return asked.some(({ on }) => !on) ? { step: 'conclude', verdict: 'spoils' } : { step: 'ask', on: false };
}
