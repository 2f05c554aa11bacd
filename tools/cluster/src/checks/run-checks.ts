import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toOverlayError } from '@overlay/failure';
import type { Stack } from '../stack/stack.js';
import { formatSeconds, type Teller } from '../teller.js';
import { apiChecks } from './api-checks.js';
import { badConfigurationChecks } from './bad-configuration.js';
import type { Check, CheckResult } from './check.js';
import { keepSources, masquerade, measureStreams, pingEveryPair } from './connectivity.js';
import { faultChecks } from './fault-checks.js';
import { imageChecks } from './image-checks.js';

const NAME_WIDTH = 74;

/** Everything that is tried, in this order. */
const CHECKS: readonly Check[] = [
  ...apiChecks,
  { name: 'every workload pings every other and the outside, IPv4 and IPv6', run: pingEveryPair },
  { name: 'across hosts the other end sees the sender itself', run: keepSources },
  { name: 'the outside sees the host (MASQUERADE)', run: masquerade },
  { name: 'a TCP stream between every two workloads, IPv4 and IPv6', run: measureStreams },
  ...imageChecks,
  ...faultChecks,
  ...badConfigurationChecks,
];

/** Tries everything on a cluster that is up, a row each as it ends. Never rejects: failures are in the results. */
export async function runChecks(stack: Stack, teller: Teller): Promise<readonly CheckResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'overlay-cluster-test-'));
  try {
    const cluster = { stack, folder };
    const results: CheckResult[] = [];
    for (const check of CHECKS) {
      const result = await runCheck(check, () => check.run(cluster));
      results.push(result);
      const mark = result.ok ? '✓' : '✗';
      teller.line(`  ${mark} ${result.name.padEnd(NAME_WIDTH)}${formatSeconds(result.ms)}   ${result.words}`);
    }
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runCheck({ name }: Check, run: () => Promise<string>): Promise<CheckResult> {
  const started = performance.now();
  const ms = (): number => Math.round(performance.now() - started);
  try {
    const words = await run();
    return { name, ok: true, ms: ms(), words };
  } catch (failure) {
    return { name, ok: false, ms: ms(), words: toOverlayError(failure).message };
  }
}
