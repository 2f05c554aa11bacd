import type { Agent } from '@overlay/contracts';

/** What the deletion of agents will touch. */
export function renderDeletion(agents: readonly Agent[]): string {
  const lines = agents.map(({ assignment, connected }) => {
    const blocks = (assignment?.networks ?? []).flatMap(({ subnet, subnet6 }) => [subnet, subnet6]);
    const held = [`VTEP ${assignment?.vtep?.ip ?? '-'}`, ...blocks.filter((block) => block !== '')].join(
      ', ',
    );
    return `  ${assignment?.ip ?? '-'} (${connected ? 'CONNECTED; ' : ''}${held})`;
  });
  const [subject, whose] =
    agents.length === 1 ? ['This agent', 'its'] : [`These ${agents.length} agents`, 'their'];
  const effect = `will be deleted, and every other host stops reaching ${whose} containers:`;
  return [`${subject} ${effect}`, ...lines].join('\n');
}
