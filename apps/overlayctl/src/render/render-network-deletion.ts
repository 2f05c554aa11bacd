/** What a deletion of a network will touch, for the person who confirms it. */
export function renderNetworkDeletion(name: string, agents: number, containers: number): string {
  const hosts = agents === 1 ? '1 agent' : `${agents} agents`;
  const attached = containers === 1 ? '1 attached container loses' : `${containers} attached containers lose`;
  const loss = containers === 0 ? '' : ` ${attached} the network at once.`;
  return `network "${name}" goes from ${hosts}, with its bridges, routes, rules and CNI files.${loss}`;
}
