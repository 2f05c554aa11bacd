/** The IPAM plugin that our configurations delegate to, and by which we know them. */
export const IPAM_PLUGIN = 'overlay-ipam';

/**
 * Whether a CNI configuration, the plugin that it delegates to, or any plugin of a configuration list, takes its
 * addresses from our IPAM plugin.
 */
export function isOurCniConfiguration(content: string): boolean {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    return false;
  }
  if (usesOurIpam(parsed) || usesOurIpam(field(parsed, 'delegate'))) return true;
  const plugins = field(parsed, 'plugins');
  return Array.isArray(plugins) && plugins.some(usesOurIpam);
}

function usesOurIpam(plugin: unknown): boolean {
  return field(field(plugin, 'ipam'), 'type') === IPAM_PLUGIN;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
