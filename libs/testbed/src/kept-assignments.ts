import type { AgentState, MasterState } from './overlay-state.js';

/**
 * What happened to the assignments of agents: one line for each that another state of the master shows otherwise or
 * not at all; empty when every agent kept what it had.
 */
export function listLostAssignments(before: MasterState, after: MasterState): readonly string[] {
  return (before.agents ?? []).flatMap((agent) => {
    const later = after.agents?.find(({ ip }) => ip === agent.ip);
    if (later === undefined) return [`agent ${agent.ip} is gone`];
    const [had, has] = [assigned(agent), assigned(later)];
    return had === has ? [] : [`agent ${agent.ip} had ${had} and has ${has}`];
  });
}

/** Everything that a master gave to an agent, without how it stands at the moment. */
function assigned({ overlays = [] }: AgentState): string {
  return JSON.stringify(overlays.map(({ state: _state, ...given }) => given));
}
