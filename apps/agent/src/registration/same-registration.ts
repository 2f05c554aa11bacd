import { RegisterAgentResponse } from '@overlay/contracts';

/**
 * Whether two registrations ask the same of the host. The revision and the states that masters echo do not
 * count: they change without anything to configure.
 */
export function sameRegistration(a: RegisterAgentResponse, b: RegisterAgentResponse): boolean {
  return Buffer.from(substance(a)).equals(substance(b));
}

function substance(registration: RegisterAgentResponse): Uint8Array {
  const { assignment } = registration;
  return RegisterAgentResponse.encode({
    ...registration,
    revision: 0n,
    assignment:
      assignment === undefined
        ? undefined
        : {
            ...assignment,
            networks: assignment.networks.map((network) => ({ ...network, state: undefined })),
          },
  }).finish();
}
