import { OverlayError } from '@overlay/failure';
import { notForNodes } from '@overlay/model';
import type { CallContext } from './call-view.js';

/** Who may speak for a node. */
export interface NodeRule {
  /** The node that the request is about. */
  readonly nodeId: string;
  /** The underlay address that it claims, where the request claims one. */
  readonly ip?: string;
  /** True if nobody but the holder of a node's certificate may speak for a node. */
  readonly certificateRequired: boolean;
}

/**
 * Lets a node's certificate speak for its own node alone, from its own addresses. A caller whose certificate is no
 * node's, or who has none, passes unless a certificate is required.
 * @throws OverlayError `permission_denied`.
 */
export function requireNode(call: Pick<CallContext, 'certifiedNode'>, rule: NodeRule): void {
  const certified = call.certifiedNode();
  if (certified === undefined) {
    if (!rule.certificateRequired) return;
    const way = `give the agent one with the URI spiffe://DOMAIN/overlay/node/${rule.nodeId}`;
    throw denied(`only the certificate of node ${rule.nodeId} may speak for it: ${way}`);
  }
  const { nodeIds, ips } = certified;
  if (!nodeIds.includes(rule.nodeId)) {
    throw denied(`the certificate is for node ${nodeIds.join(', ')}, and may not speak for ${rule.nodeId}`);
  }
  if (rule.ip === undefined || ips.length === 0 || ips.includes(rule.ip)) return;
  throw denied(
    `the certificate of node ${rule.nodeId} is for ${ips.join(', ')}, and may not claim ${rule.ip}`,
  );
}

/**
 * Refuses callers that are nodes: what operators and frameworks ask for is not theirs to ask.
 * @param what for the error: `DeleteAgents`.
 * @throws OverlayError `permission_denied`.
 */
export function requireOperator(call: Pick<CallContext, 'certifiedNode'>, what: string): void {
  const certified = call.certifiedNode();
  if (certified !== undefined) throw notForNodes(certified, what);
}

function denied(message: string): OverlayError {
  return new OverlayError('permission_denied', message);
}
