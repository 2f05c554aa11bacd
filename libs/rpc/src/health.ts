import type { Server, ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { serverCloses } from './call-view.js';
import { statusAnswerOf } from './error-details.js';
import { OpenStreams } from './open-streams.js';

/** The health service of a server. */
export interface Health {
  /** @param service full name, or '' for the whole server. */
  setServing(service: string, serving: boolean): void;
  /** Answers all who watch, and those who come yet, UNAVAILABLE. Repeatable. */
  endStreams(): void;
}

type Watch = (call: ServerWritableStream<unknown, unknown>) => void;

/**
 * Adds the standard health service (grpc.health.v1) with every name as serving. Its library leaves those who watch to
 * themselves: a server that closes would wait for them.
 */
export function addHealth(server: Server, names: readonly string[]): Health {
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, 'SERVING' as const])),
  );
  const open = new OpenStreams();
  const adding: Pick<Server, 'addService'> = {
    addService(definition, implementation) {
      server.addService(definition, { ...implementation, watch: ended(implementation, open) });
    },
  };
  health.addToServer(adding as Server);
  return {
    setServing: (service, serving) => health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING'),
    endStreams: () => open.end(),
  };
}

/** The method `watch` of the service, which ends with the open streams. */
function ended(implementation: UntypedServiceImplementation, open: OpenStreams): Watch {
  const watch = implementation.watch as Watch;
  return (call) => {
    let isOver = false;
    const release = open.track(() => {
      isOver = true;
      call.emit('error', statusAnswerOf(serverCloses()));
    });
    call.once('cancelled', release);
    if (!isOver) watch(call);
  };
}
