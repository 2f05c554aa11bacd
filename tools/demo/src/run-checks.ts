import { toOverlayError } from '@overlay/failure';
import type { Container } from '@overlay/testbed';
import type { AttachedContainer } from './attach-containers.js';
import type { Check, CheckResult } from './check.js';

/** Enough to keep two cores busy without distorting the times. */
const CONCURRENCY = 6;

/** Longer than the three seconds in which a neighbour is looked for (RFC 4861, section 10). */
const PATIENCE_MS = 4_000;

/** Tries all checks, some at a time. A check that cannot be tried is a failed one. Results are in the order asked. */
export async function runChecks(
  checks: readonly Check[],
  containers: ReadonlyMap<string, AttachedContainer>,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < checks.length; index = next++) {
      const check = checks[index];
      if (check !== undefined) results[index] = await runCheck(check, containers.get(check.from)?.container);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
}

async function runCheck(check: Check, from: Container | undefined): Promise<CheckResult> {
  try {
    if (from === undefined) return verdict(check, 0, `there is no container ${check.from}`);
    return check.kind === 'ping' ? await ping(check, from) : await connect(check, from);
  } catch (cause) {
    return verdict(check, 0, toOverlayError(cause).message);
  }
}

async function ping(check: Check, from: Container): Promise<CheckResult> {
  const { ok, rttMs = 0, output } = await from.ping(check.target, { timeoutMs: PATIENCE_MS });
  return verdict(check, rttMs, ok ? undefined : (output.split('\n').at(-1) ?? 'no answer'));
}

async function connect(check: Check, from: Container): Promise<CheckResult> {
  const { ms, seenAs, error } = await from.tcp(check.target, { timeoutMs: PATIENCE_MS });
  const changed = seenAs !== undefined && seenAs !== check.expectSource;
  const wrong = changed ? `it came from ${seenAs}, not from ${check.expectSource}` : undefined;
  return { ...verdict(check, ms, error ?? wrong), ...(seenAs === undefined ? {} : { source: seenAs }) };
}

function verdict(check: Check, ms: number, error: string | undefined): CheckResult {
  const { from, to, family, kind } = check;
  return { from, to, family, kind, ok: error === undefined, ms, ...(error === undefined ? {} : { error }) };
}
