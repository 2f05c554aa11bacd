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
  const [kind, ...rest] = key.split('/');
  const name = rest.join('/');
  try {
    if (key === 'address-space') return { kind: 'address-space' };
    if (kind === 'network') return { kind, id: parseNetworkId(name) };
    if (kind === 'node' || kind === 'former-node') return { kind, id: parseNodeId(name) };
  } catch (cause) {
    throw new OverlayError('data_loss', `the overlay log has a key that is none of its own: "${key}"`, {
      cause,
    });
  }
  const resource = RESOURCES.find((known) => known === rest[0]);
  const value = rest.slice(1).join('/');
  if (kind === 'claim' && resource !== undefined && value !== '') return { kind, resource, value };
  throw new OverlayError('data_loss', `the overlay log has a key that is none of its own: "${key}"`);
}
