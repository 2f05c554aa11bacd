import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { listAllNamespaces, removeLeftovers } from './leftovers.js';
import { withRegistryLock } from './registry-lock.js';
import { formatTestbedName, parseTestbedName } from './testbed-name.js';

/**
 * The machine's list of testbeds, one file per slot. It tells who owns which underlay addresses and whether the
 * owner still lives. Changes happen under a lock of the whole machine.
 */
const REGISTRY_DIR = '/run/overlay-testbed';
const LAST_SLOT = 254;

/** One testbed as its owner wrote it down. */
export interface TestbedRecord {
  readonly name: string;
  readonly slot: number;
  readonly pid: number;
  /** The owner's start time in clock ticks since boot (proc(5)), which tells it from a later process of its pid. */
  readonly startTime: string;
  /** What the testbed is for, as its creator said. */
  readonly label: string;
  readonly folder: string;
  /** Meant to outlive its owner; goes only when someone removes it by label. */
  readonly detached: boolean;
}

/** Takes a free slot and writes it down. Removes the remains of dead owners on the way. */
export function claimSlot(label: string): Promise<TestbedRecord> {
  return withRegistryLock(() => {
    reapStale();
    const taken = new Set(listRecords().map((record) => record.slot));
    for (let slot = 1; slot <= LAST_SLOT; slot += 1) {
      if (taken.has(slot)) continue;
      const name = formatTestbedName({ pid: process.pid, slot });
      const startTime = startTimeOf(process.pid) ?? '';
      const folder = join(tmpdir(), name);
      const record = { name, slot, pid: process.pid, startTime, label, folder, detached: false };
      writeRecord(record);
      return record;
    }
    throw new OverlayError('resource_exhausted', `all ${LAST_SLOT} testbed slots of this machine are taken`);
  });
}

/** Marks a testbed as meant to outlive its owner. */
export function detachRecord(record: TestbedRecord): TestbedRecord {
  const detached = { ...record, detached: true };
  writeRecord(detached);
  return detached;
}

/**
 * Gives a slot back; the caller owned it and has removed everything. Safe to repeat. Takes no lock, for it also
 * runs while a process exits.
 */
export function releaseSlot(record: TestbedRecord): void {
  rmSync(recordFile(record.slot), { force: true });
  removeFolderIfEmpty();
}

/** Removes the remains of all testbeds whose owner died. @returns their names. */
export function removeStale(): Promise<readonly string[]> {
  return withRegistryLock(reapStale);
}

/** Removes the detached testbeds of a label. @returns their names. */
export function removeDetached(label: string): Promise<readonly string[]> {
  return withRegistryLock(() => {
    const chosen = listRecords().filter((record) => record.detached && record.label === label);
    for (const record of chosen) reap(record);
    return chosen.map((record) => record.name);
  });
}

function reapStale(): readonly string[] {
  const records = listRecords();
  const dead = records.filter((record) => !record.detached && startTimeOf(record.pid) !== record.startTime);
  for (const record of dead) reap(record);
  const known = new Set(records.map((record) => record.name));
  const orphans = new Set<string>();
  for (const remnant of [...listAllNamespaces(), ...readdirSync(tmpdir()), ...listDrafts()]) {
    const name = parseTestbedName(remnant);
    if (name === undefined || known.has(formatTestbedName(name)) || startTimeOf(name.pid) !== undefined)
      continue;
    orphans.add(formatTestbedName(name));
  }
  for (const name of orphans) {
    removeLeftovers(name, join(tmpdir(), name));
    rmSync(draftFile(name), { force: true });
  }
  return [...dead.map((record) => record.name), ...orphans];
}

function reap(record: TestbedRecord): void {
  const problems = removeLeftovers(record.name, record.folder);
  if (problems.length > 0) {
    throw new OverlayError('internal', `testbed ${record.name} cannot be removed: ${problems.join('; ')}`);
  }
  releaseSlot(record);
}

function listRecords(): readonly TestbedRecord[] {
  return listRegistry()
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => readRecord(join(REGISTRY_DIR, file)) ?? []);
}

/** `undefined` when the owner gave the slot back meanwhile. */
function readRecord(file: string): TestbedRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestbedRecord;
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
}

function listRegistry(): readonly string[] {
  try {
    return readdirSync(REGISTRY_DIR);
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw cause;
  }
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT';
}

function writeRecord(record: TestbedRecord): void {
  for (let attempt = 1; !tryWriteRecord(record); attempt += 1) {
    if (attempt === 10)
      throw new OverlayError('internal', `${REGISTRY_DIR} vanishes whenever it is written to`);
  }
}

/** False when a process that gave its slot back took the empty folder away meanwhile. */
function tryWriteRecord(record: TestbedRecord): boolean {
  const draft = draftFile(record.name);
  try {
    mkdirSync(REGISTRY_DIR, { recursive: true });
    writeFileSync(draft, `${JSON.stringify(record)}\n`);
    renameSync(draft, recordFile(record.slot)); // a reader never sees half a record
    return true;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw cause;
  }
}

function draftFile(name: string): string {
  return join(REGISTRY_DIR, `.${name}`);
}

/** Names of testbeds whose owner died while it wrote a record. */
function listDrafts(): readonly string[] {
  return listRegistry()
    .filter((file) => file.startsWith('.'))
    .map((file) => file.slice(1));
}

function recordFile(slot: number): string {
  return join(REGISTRY_DIR, `${slot}.json`);
}

function removeFolderIfEmpty(): void {
  try {
    rmdirSync(REGISTRY_DIR);
  } catch {
    // absent, or it lists testbeds
  }
}

/** Field 22 of /proc/PID/stat, `undefined` when there is no such process. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
