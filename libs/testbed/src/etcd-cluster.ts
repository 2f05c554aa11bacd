import { mkdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { type CertificateFiles, type Certificates, createCertificates } from './certificates.js';
import { runOrFail } from './command.js';
import { type ExitGuard, guardExit } from './exit-guard.js';
import { findFreePort } from './free-port.js';
import { ManagedProcess } from './managed-process.js';
import { httpAnswersOk } from './readiness.js';

/** Which cluster to start. */
export interface EtcdClusterOptions {
  /** 1 (default), 3 or 5 members. */
  readonly size?: number;
  /** Clients need TLS and a certificate of the cluster's own authority. */
  readonly tls?: boolean;
  /** Whose folder and environment the members have, if whoever owns these also removes what is left of them. */
  readonly home?: EtcdHome;
}

/** Where the members of a cluster live. */
export interface EtcdHome {
  /** Made if it is not there. */
  readonly folder: string;
  /** The whole environment of the members. */
  readonly env: Readonly<Record<string, string>>;
}

/** A user of etcd. */
export interface EtcdUser {
  readonly username: string;
  readonly password: string;
}

interface MemberPlan {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly healthUrl: string;
}

const ROOT: EtcdUser = { username: 'root', password: 'root' };
const READY_MS = 20_000;

/**
 * Real etcd processes on loopback ports that the kernel picked, with their data in a temporary folder. Every
 * member is a process that can be killed, stopped, paused, resumed and started again on its data; its readiness
 * asks for a cluster with a quorum, so `launch()` is the way to start one without.
 */
export class EtcdCluster implements AsyncDisposable {
  readonly folder: string;
  readonly members: readonly ManagedProcess[];
  /** URLs for clients, one for each member. */
  readonly endpoints: readonly string[];
  /** The certificate that clients show, if the cluster has TLS. */
  readonly tls: CertificateFiles | undefined;
  readonly #guard: ExitGuard | undefined;
  #authenticated = false;

  /** Starts a cluster; it has a leader when this returns. @throws OverlayError when a member does not get ready. */
  static async start(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const { home } = options;
    const folder = home?.folder ?? (await mkdtemp(join(tmpdir(), 'overlay-etcd-')));
    mkdirSync(folder, { recursive: true });
    const certificates = options.tls === true ? await createCertificates(folder) : undefined;
    const plans = await Promise.all(
      Array.from({ length: options.size ?? 1 }, (_, index) => planMember(`etcd${index}`, certificates)),
    );
    const cluster = new EtcdCluster(folder, plans, certificates, home);
    try {
      for (const member of cluster.members) member.launch();
      await cluster.waitReady();
    } catch (thrown) {
      await cluster.close();
      throw thrown;
    }
    return cluster;
  }

  private constructor(
    folder: string,
    plans: readonly MemberPlan[],
    certificates: Certificates | undefined,
    home: EtcdHome | undefined,
  ) {
    const env = home?.env ?? { PATH: process.env.PATH ?? '/usr/bin:/bin' };
    this.folder = folder;
    this.tls = certificates?.client;
    this.endpoints = plans.map(({ clientUrl }) => clientUrl);
    this.members = plans.map((plan) => memberProcess(plan, plans, folder, env, certificates));
    this.#guard = home === undefined ? guardExit(() => this.#remove()) : undefined;
  }

  /** One member by its position. @throws OverlayError `not_found`. */
  member(index: number): ManagedProcess {
    const member = this.members[index];
    if (member === undefined) throw new OverlayError('not_found', `the cluster has no member ${index}`);
    return member;
  }

  /** Waits until every member that runs is part of a cluster with a leader. */
  async waitReady(): Promise<void> {
    const running = this.members.filter((member) => member.running);
    await Promise.all(running.map((member) => member.waitReady(READY_MS)));
  }

  /** Kills all members at once and starts them again on their data. */
  async restart(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    for (const member of this.members) member.launch();
    await this.waitReady();
  }

  /** Runs `etcdctl` as the root user and returns what it says. @throws OverlayError `internal` if it fails. */
  etcdctl(...args: readonly string[]): Promise<string> {
    const tls = this.tls;
    const files = tls === undefined ? [] : ['--cacert', tls.ca, '--cert', tls.cert, '--key', tls.key];
    const user = this.#authenticated ? ['--user', `${ROOT.username}:${ROOT.password}`] : [];
    const endpoints = ['--endpoints', this.endpoints.join(',')];
    const env = { ETCDCTL_API: '3', PATH: process.env.PATH ?? '/usr/bin:/bin' };
    return runOrFail(['etcdctl', ...endpoints, ...files, ...user, ...args], { env });
  }

  /** Writes one key. */
  async put(key: string, value: string): Promise<void> {
    await this.etcdctl('put', '--', key, value);
  }

  /** Drops the history before a revision; without one, all of it. */
  async compact(revision?: bigint): Promise<void> {
    await this.etcdctl('compact', String(revision ?? (await this.revision())));
  }

  /** The present revision of the store. */
  async revision(): Promise<bigint> {
    const answer: unknown = JSON.parse(await this.etcdctl('get', 'any', '--write-out', 'json'));
    const revision = /"revision":(\d+)/.exec(JSON.stringify(answer))?.[1];
    return BigInt(revision ?? 0);
  }

  /** Switches authentication on and lets a user read and write everything under a prefix. Root is `root:root`. */
  async enableAuth(user: EtcdUser, prefix: string): Promise<void> {
    await this.etcdctl('user', 'add', `${ROOT.username}:${ROOT.password}`);
    await this.etcdctl('user', 'grant-role', ROOT.username, 'root');
    await this.etcdctl('user', 'add', `${user.username}:${user.password}`);
    await this.etcdctl('role', 'add', 'overlay');
    await this.etcdctl('role', 'grant-permission', 'overlay', 'readwrite', prefix, '--prefix');
    await this.etcdctl('user', 'grant-role', user.username, 'overlay');
    await this.etcdctl('auth', 'enable');
    this.#authenticated = true;
  }

  /** Kills every member and removes the data, unless that has an owner of its own. Repeatable. */
  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    this.#remove();
    this.#guard?.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #remove(): void {
    for (const member of this.members) member.signal('SIGKILL');
    if (this.#guard === undefined) return;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

async function planMember(name: string, certificates: Certificates | undefined): Promise<MemberPlan> {
  const scheme = certificates === undefined ? 'http' : 'https';
  const [client, peer, health] = await Promise.all([findFreePort(), findFreePort(), findFreePort()]);
  return {
    name,
    clientUrl: `${scheme}://127.0.0.1:${client}`,
    peerUrl: `http://127.0.0.1:${peer}`,
    healthUrl: `http://127.0.0.1:${health}`,
  };
}

function memberProcess(
  plan: MemberPlan,
  all: readonly MemberPlan[],
  folder: string,
  env: Readonly<Record<string, string>>,
  certificates: Certificates | undefined,
): ManagedProcess {
  const options = {
    name: plan.name,
    'data-dir': join(folder, plan.name),
    'listen-client-urls': plan.clientUrl,
    'advertise-client-urls': plan.clientUrl,
    'listen-peer-urls': plan.peerUrl,
    'initial-advertise-peer-urls': plan.peerUrl,
    'initial-cluster': all.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(','),
    'initial-cluster-state': 'new',
    'listen-metrics-urls': plan.healthUrl,
    logger: 'zap',
    'log-level': 'warn',
    ...(certificates === undefined ? {} : serverOptions(certificates.server)),
  };
  return new ManagedProcess({
    name: plan.name,
    argv: ['etcd', ...Object.entries(options).map(([option, value]) => `--${option}=${value}`)],
    env,
    logFile: join(folder, `${plan.name}.log`),
    ready: httpAnswersOk(`${plan.healthUrl}/health`),
  });
}

function serverOptions({ ca, cert, key }: CertificateFiles): Readonly<Record<string, string>> {
  return { 'trusted-ca-file': ca, 'cert-file': cert, 'key-file': key, 'client-cert-auth': 'true' };
}
