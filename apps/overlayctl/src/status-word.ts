import { type NetworkState, NetworkStatus } from '@overlay/contracts';

/** How a network stands on an agent, in one word. */
export type StatusWord = 'ok' | 'failed' | 'configuring' | 'unknown';

/** The word for a network's state; `unknown` without one. */
export function statusWord(state: NetworkState | undefined): StatusWord {
  switch (state?.status) {
    case NetworkStatus.OK:
      return 'ok';
    case NetworkStatus.FAILED:
      return 'failed';
    case NetworkStatus.CONFIGURING:
      return 'configuring';
    default:
      return 'unknown';
  }
}
