/** What the cluster publishes on the machine's loopback (docker-compose.yml). */
export const MASTERS = [1, 2, 3] as const;

/** The members of etcd. */
export const ETCD_MEMBERS = [1, 2, 3] as const;

/** `http://127.0.0.1:15051` for the first. */
export function masterHttp(master: number): string {
  return `http://127.0.0.1:${15050 + master}`;
}

/** `127.0.0.1:15061` for the first. */
export function masterGrpc(master: number): string {
  return `127.0.0.1:${15060 + master}`;
}

/** The address under which a master is known inside the cluster. */
export function masterAdvertised(master: number): string {
  return `10.66.0.${20 + master}:5060`;
}

/** `http://127.0.0.1:15151` for the first. */
export function agentHttp(host: number): string {
  return `http://127.0.0.1:${15150 + host}`;
}

/** The underlay address of a host, which is its agent's name. */
export function hostAddress(host: number): string {
  return `10.66.0.${30 + host}`;
}

/** The IPv6 underlay address of a host. */
export function hostAddress6(host: number): string {
  return `fd66::${30 + host}`;
}

/** `http://127.0.0.1:12379` for the first. */
export function etcdEndpoint(member: number): string {
  return `http://127.0.0.1:${12378 + member}`;
}

/** The container beyond the hosts. */
export const OUTSIDE = { ipv4: '10.66.0.9', ipv6: 'fd66::9' } as const;

/** 1, 2, … */
export function hostNumbers(hosts: number): readonly number[] {
  return Array.from({ length: hosts }, (_, index) => index + 1);
}
