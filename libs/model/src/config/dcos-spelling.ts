import { isBlock } from './raw-configuration.js';

const NUMBERS: ReadonlySet<string> = new Set(['prefix', 'prefix6', 'vtep_mtu']);
const CLEAN_NUMBER = /^(?:0|[1-9]\d{0,4})$/;

/**
 * A file with `dcos_overlay_network` as ours: it may be a whole DC/OS config.yaml, so keys that are not in
 * `ownKeys` are left out, and numbers that are written as text become numbers. Other files pass unchanged.
 */
export function fromDcos(
  raw: Readonly<Record<string, unknown>>,
  ownKeys: readonly string[],
): Readonly<Record<string, unknown>> {
  const block = raw.dcos_overlay_network;
  if (block === undefined) return raw;
  const own = Object.entries(raw).filter(([name]) => ownKeys.includes(name));
  return { ...Object.fromEntries(own), dcos_overlay_network: withNumbers(block) };
}

function withNumbers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNumbers);
  if (!isBlock(value)) return value;
  const entries = Object.entries(value).map(([name, inner]) => {
    const isNumber = NUMBERS.has(name) && typeof inner === 'string' && CLEAN_NUMBER.test(inner);
    return [name, isNumber ? Number(inner) : withNumbers(inner)];
  });
  return Object.fromEntries(entries);
}
