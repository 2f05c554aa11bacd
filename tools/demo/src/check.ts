/** An address family. */
export type Family = 'ipv4' | 'ipv6';

/** What runs a container: the CNI plugins alone, a real runtime, or nobody, where Docker cannot run. */
export type DemoRuntime = 'cni' | 'podman' | 'docker' | 'by-hand';

/** A container of the demo. */
export interface DemoContainer {
  /** `h1-dcos-podman`; on the Docker half `h1-dcos-docker`, whatever runs it. */
  readonly name: string;
  readonly host: string;
  readonly network: string;
  readonly half: 'cni' | 'docker';
  readonly runtime: DemoRuntime;
  readonly ipv4?: string;
  readonly ipv6?: string;
}

/** A host of the demo and its underlay addresses. */
export interface DemoHost {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** How reachability is tried. */
export type CheckKind = 'ping' | 'tcp';

/** One thing to try. */
export interface Check {
  /** Name of a container. */
  readonly from: string;
  /** Name of a container, or {@link OUTSIDE_NAME}. */
  readonly to: string;
  readonly family: Family;
  readonly kind: CheckKind;
  readonly target: string;
  /** The source address that the other end of a TCP connection must see. */
  readonly expectSource: string;
}

/** What came of it. */
export interface CheckResult {
  readonly from: string;
  readonly to: string;
  readonly family: Family;
  readonly kind: CheckKind;
  readonly ok: boolean;
  readonly ms: number;
  /** The source address that the other end saw, for TCP. */
  readonly source?: string;
  /** Why it is not ok. */
  readonly error?: string;
}

/** What the world beyond the hosts is called. */
export const OUTSIDE_NAME = 'outside';
