import { cidrFamily } from '@overlay/allocation';
import type { DockerAccept, DockerChain } from '../kernel/kernel-object.js';
import { DOCKER_COMMENT } from '../kernel/ownership.js';
import { activeSubnets, type HostDescription } from './host-description.js';

/**
 * The rules that let overlay packets pass Docker's filter, whose policy for forwarded packets may be to drop them: from
 * the overlay to anywhere; to the overlay what comes through the tunnel, replies, and what is forwarded to a published
 * port. One set for each rule set that has Docker's chain; none without. They open nothing that isolation closes: its
 * drop is in a table of our own, and an accept elsewhere does not override it.
 *
 * Spelt exactly as `iptables-save` prints them.
 */
export function planDockerAccepts(
  host: HostDescription,
  chains: readonly DockerChain[],
): readonly DockerAccept[] {
  const comment = `-m comment --comment ${DOCKER_COMMENT}`;
  return chains.flatMap((chain) =>
    activeSubnets(host)
      .filter((subnet) => cidrFamily(subnet) === chain.family)
      .flatMap((subnet) =>
        [
          `-s ${subnet} ${comment} -j ACCEPT`,
          `-d ${subnet} -i ${host.vtep.name} ${comment} -j ACCEPT`,
          `-d ${subnet} ${comment} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT`,
        ].map((rule): DockerAccept => ({ kind: 'docker-accept', ...chain, rule })),
      ),
  );
}
