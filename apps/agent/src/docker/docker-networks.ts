/** A subnet of a Docker network. */
export interface DockerSubnet {
  readonly subnet: string;
  /** The bridge's address; '' where Docker does not tell, which means the first. */
  readonly gateway: string;
  /** The part that containers get addresses from; '' for all of it. */
  readonly range: string;
  /** Addresses that no container gets (`--aux-address`). */
  readonly setAside: readonly string[];
}

/** What a Docker network is made of. */
export interface DockerNetworkSettings {
  readonly name: string;
  readonly driver: string;
  readonly ipamDriver: string;
  /** Engines before 28 cannot do without. */
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Cut off from everything but itself (`docker network create --internal`). */
  readonly internal: boolean;
  readonly subnets: readonly DockerSubnet[];
  /** Options of the driver by name. */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** A network that stands in Docker. */
export interface DockerNetwork extends DockerNetworkSettings {
  readonly id: string;
}

/** How a container hangs on a network; '' for a family without. */
export interface DockerEndpoint {
  /** The network as the container asks for it: its name, or its id. */
  readonly network: string;
  /** Id of the network; '' as long as the container was never started. */
  readonly networkId: string;
  readonly ip: string;
  readonly ip6: string;
}

/** A container, whether or not it runs. */
export interface DockerContainer {
  readonly id: string;
  readonly name: string;
  /** False for one that was only created, or has ended: it has no address, and gets one when it is started. */
  readonly running: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly endpoints: readonly DockerEndpoint[];
}

/** The containers on a network: those attached to it, and those not running that will be when they are started. */
export function usersOf(
  { id, name }: Pick<DockerNetwork, 'id' | 'name'>,
  containers: readonly DockerContainer[],
): readonly DockerContainer[] {
  return containers.filter(({ running, endpoints }) =>
    endpoints.some(
      ({ network, networkId }) => networkId === id || (!running && (network === name || network === id)),
    ),
  );
}

/**
 * The networks of the host's Docker engine, and who is on them. Every failure is an OverlayError: `not_found` if
 * there is no socket, `unavailable` or `deadline_exceeded` if nobody answers on it, `unimplemented` if another
 * program than Docker does; all others are the engine's refusals in its own words.
 */
export interface DockerNetworks {
  /** The socket, for messages. */
  readonly socket: string;
  /** Version of the engine, for example `20.10.24+dfsg1`. */
  version(signal: AbortSignal): Promise<string>;
  /** Every network of the engine, whoever made it. */
  list(signal: AbortSignal): Promise<readonly DockerNetwork[]>;
  /** Makes a network. @throws OverlayError `already_exists` if its name is taken. */
  create(settings: DockerNetworkSettings, signal: AbortSignal): Promise<void>;
  /**
   * Removes a network by id; one that is gone already is success.
   * @throws OverlayError `failed_precondition` while containers are attached.
   */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** Every container, also those that do not run, with every network they are on. */
  listContainers(signal: AbortSignal): Promise<readonly DockerContainer[]>;
  /**
   * Yields once when it listens, and whenever networks or containers may have changed, until the signal aborts.
   * Ends or fails when the engine goes.
   */
  watchChanges(signal: AbortSignal): AsyncIterable<void>;
}
