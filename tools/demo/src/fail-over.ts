import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { HOST_HTTP, type Host, listLostAssignments, type Master, type Testbed } from '@overlay/testbed';
import type { FailoverReport } from './report.js';
import type { Story } from './story.js';

const PATIENCE_MS = 60_000;

/**
 * Kills the leader while a host is about to join, and waits until another master leads, the host is registered,
 * and every network is up everywhere. The killed master is back when this returns.
 *
 * @throws OverlayError `data_loss` if an agent has not kept its assignment, `deadline_exceeded` if anything takes
 *   too long.
 */
export async function failOver(
  testbed: Testbed,
  networks: readonly string[],
  story: Story,
): Promise<Omit<FailoverReport, 'checks'>> {
  const leader = await testbed.leader();
  const before = await leader.state();
  const late = await testbed.addHost();
  await Promise.all([late.ipam.start(), late.dataplane.start()]);

  const killed = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - killed);
  await leader.kill();
  late.agent.launch();
  const { successor, leaderMs, registrationMs } = await story.step(
    `the leading master is killed while ${late.label} joins: another registers it`,
    async () => {
      const next = await testbed.leader(PATIENCE_MS);
      const ledAfterMs = elapsedMs();
      await waitRegistered(next, late);
      return { successor: next, leaderMs: ledAfterMs, registrationMs: elapsedMs() };
    },
  );
  await story.step(
    `${networks.join(' and ')} are STATUS_OK on every host, assignments as before`,
    async () => {
      const lost = listLostAssignments(before, await testbed.waitSettled(networks, PATIENCE_MS));
      if (lost.length > 0) throw new OverlayError('data_loss', `assignments were lost: ${lost.join('; ')}`);
    },
  );
  await story.step(`every host has heard of ${late.label}`, async () => {
    // Agents look for the new leader with growing pauses, and traffic waits for no report of theirs.
    await Promise.all(testbed.hosts.map((host) => waitPeers(host, testbed.hosts.length - 1)));
  });
  await story.step('the killed master starts again and follows', () => leader.start());
  return {
    killed: leader.grpcAddress,
    leader: successor.grpcAddress,
    joined: late.label,
    leaderMs,
    registrationMs,
    agentsKept: before.agents?.length ?? 0,
  };
}

/** Waits until the dataplane of a host knows so many others. */
async function waitPeers(host: Host, peers: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  const known = new RegExp(`^overlay_dataplane_peers(\\{.*\\})? ${peers}$`, 'm');
  while (performance.now() < deadline) {
    const metrics = await host.exec(['curl', '--silent', `http://${HOST_HTTP.dataplane}/metrics`]);
    if (known.test(metrics.stdout)) return;
    await sleep(100);
  }
  throw new OverlayError('deadline_exceeded', `${host.label} knows too few peers after ${PATIENCE_MS} ms`);
}

/** A master shows only what is committed. */
async function waitRegistered(master: Master, host: Host): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const { agents = [] } = await master.state();
    if (agents.some(({ ip }) => ip === host.address.ipv4)) return;
    await sleep(10);
  }
  throw new OverlayError('deadline_exceeded', `${host.label} is not registered after ${PATIENCE_MS} ms`);
}
