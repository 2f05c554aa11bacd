import type { KernelChange } from '../kernel-tables.js';

/** What the kernel says to a second VXLAN device with one VNI and port (`vxlan_config_validate` of Linux). */
const VNI_IN_USE = /VXLAN device with the specified VNI already exists|File exists/;

/**
 * The kernel's words for a change that it refused, with the way out where they do not tell it: a VXLAN device keeps its VNI
 * in the namespace that it was made in wherever it is moved to, and nobody sees it there.
 */
export function explainRefusal({ op, object }: KernelChange, error: string): string {
  if (op !== 'add' || object.kind !== 'link' || object.type !== 'vxlan' || !VNI_IN_USE.test(error))
    return error;
  return (
    `${error.replace(/\.$/, '')}: a device with VNI ${object.vni} and port ${object.port} is there under another name, or ` +
    `${object.name} was moved into another network namespace; delete it there ` +
    '(ip -all netns exec ip -details link show type vxlan)'
  );
}
