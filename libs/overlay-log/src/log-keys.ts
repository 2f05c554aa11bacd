import { OverlayError } from '@overlay/failure';
import { type LogRecordRef, parseNetworkId, parseNodeId } from '@overlay/model';

const RESOURCES = ['block', 'vtep', 'node-ip'] as const;

/** The key that an entry stands under in every driver, for example `claim/block/9.0.0.0/26`. */
export function keyOf(ref: LogRecordRef): string {
  switch (ref.kind) {
    case 'address-space':
      return 'address-space';
    case 'network':
      return `network/${ref.id}`;
    case 'node':
    case 'former-node':
      return `${ref.kind}/${ref.id}`;
    case 'claim':
      return `claim/${ref.resource}/${ref.value}`;
  }
}

/**
 * The entry that stands under a key.
 * @throws OverlayError `data_loss` naming the key if no entry can stand there.
 */
export function refOfKey(key: string): LogRecordRef {
  if (key === 'address-space') return { kind: 'address-space' };
  const [kind, name] = cut(key);
  try {
    if (kind === 'network') return { kind, id: parseNetworkId(name) };
    if (kind === 'node' || kind === 'former-node') return { kind, id: parseNodeId(name) };
  } catch (cause) {
    throw strangerAt(key, cause);
  }
  const [resourceText, value] = cut(name);
  const resource = RESOURCES.find((known) => known === resourceText);
  if (kind !== 'claim' || resource === undefined || value === '') throw strangerAt(key);
  return { kind, resource, value };
}

/** What stands before and behind the first slash. A large log has millions of keys: no list is made of each. */
function cut(text: string): readonly [before: string, behind: string] {
  const slash = text.indexOf('/');
  return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
}

function strangerAt(key: string, cause?: unknown): OverlayError {
  const message = `the overlay log has a key that is none of its own: "${key}"`;
  return new OverlayError('data_loss', message, cause === undefined ? {} : { cause });
}
