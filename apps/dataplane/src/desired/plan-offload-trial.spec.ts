import { describe, expect, it } from '@jest/globals';
import { type AskedQuestion, planOffloadTrial, type TrialAnswer } from './plan-offload-trial.js';

/** Plays a trial against a path; returns what was asked and how it ended. */
function play(answerOf: (on: boolean, turn: number) => TrialAnswer) {
  const asked: AskedQuestion[] = [];
  for (;;) {
    const step = planOffloadTrial(asked);
    if (step.step === 'conclude') return { asked: asked.map(({ on }) => on), verdict: step.verdict };
    asked.push({ on: step.on, answer: answerOf(step.on, asked.length) });
  }
}

describe('planOffloadTrial', () => {
  it('asks once where offload works, and never switches it off', () => {
    expect(play(() => 'answered')).toEqual({ asked: [true], verdict: 'works' });
  });

  it('keeps offload off where only packets without it arrive', () => {
    expect(play((on) => (on ? 'silent' : 'answered'))).toEqual({
      asked: [true, false, true],
      verdict: 'spoils',
    });
  });

  it('blames nothing on offload when a peer came up in between', () => {
    expect(play((_, turn) => (turn === 0 ? 'silent' : 'answered'))).toEqual({
      asked: [true, false, true],
      verdict: 'works',
    });
  });

  it('knows nothing when nobody answers', () => {
    expect(play(() => 'silent')).toEqual({ asked: [true, false], verdict: 'inconclusive' });
  });
});
