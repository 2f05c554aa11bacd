import type { GetStateResponse } from '@overlay/contracts';
import { renderDcosAgent, renderDcosNetworkInfo } from '@overlay/model';

/** The state exactly as `GET /overlay-master/state` answers it, with DC/OS's field names. */
export function stateJson({ addressSpace, networks, agents }: GetStateResponse) {
  const specs = networks.flatMap(({ spec }) => (spec === undefined ? [] : [spec]));
  return {
    ...(addressSpace === undefined ? {} : { network: renderDcosNetworkInfo(addressSpace, specs) }),
    agents: agents.flatMap(({ assignment }) =>
      assignment === undefined ? [] : [renderDcosAgent(assignment)],
    ),
  };
}
