import type { KernelObject } from '../kernel-object.js';
import type { KernelChange } from '../kernel-tables.js';

/** Changes per process: bounds how long the time limit of one command has to reach. */
const BATCH_SIZE = 20_000;
/** A kind with so many changes gets a process of its own, so that the metrics tell where the time goes. */
const OWN_PROCESS = 1_000;
/** A step with so many changes is worth several processes at once. */
const SEVERAL_PROCESSES = 2_000;

/** The tool that makes a change. */
export type Tool = 'ip' | 'ip -6' | 'bridge' | 'nft' | 'iptables' | 'ethtool' | 'sysctl';

/** What one process is given. */
export interface Run {
  readonly tool: Tool;
  readonly run: readonly KernelChange[];
}

/** Runs that follow each other. */
export type Lane = readonly Run[];

/** Which large step a change is part of. Its name is also that of the time that is measured. */
export type StepName =
  | 'neighbours'
  | 'routes'
  | 'removal of routes'
  | 'removal of nexthops'
  | 'removal of neighbours';

/** Lanes that may run at the same time; what comes after waits for all of them. */
export interface Step {
  /** Absent for what is done one after the other. */
  readonly name?: StepName;
  readonly lanes: readonly Lane[];
}

/**
 * Which process makes which changes, and what may run at the same time: of many entries towards peers those of different
 * families and of the forwarding table, for the kernel works on them side by side. The given order holds wherever one
 * change needs another: routes and nexthops of one family, and everything else.
 */
export function planSteps(changes: readonly KernelChange[]): readonly Step[] {
  const steps: Step[] = [];
  let plain: KernelChange[] = [];
  const flush = () => {
    if (plain.length > 0) steps.push({ lanes: [runsOf(plain)] });
    plain = [];
  };
  for (const { name, members } of partsOf(changes)) {
    if (name === undefined || members.length < SEVERAL_PROCESSES) {
      for (const member of members) plain.push(member);
      continue;
    }
    flush();
    const lanes = new Map<string, KernelChange[]>();
    for (const member of members) {
      const lane = laneOf(member.object);
      const others = lanes.get(lane);
      if (others === undefined) lanes.set(lane, [member]);
      else others.push(member);
    }
    steps.push({ name, lanes: [...lanes.values()].map(runsOf) });
  }
  flush();
  return steps;
}

/** Neighbouring changes of one step together. */
function partsOf(changes: readonly KernelChange[]) {
  const parts: { readonly name: StepName | undefined; readonly members: KernelChange[] }[] = [];
  for (const change of changes) {
    const name = stepOf(change);
    const last = parts.at(-1);
    if (last !== undefined && last.name === name) last.members.push(change);
    else parts.push({ name, members: [change] });
  }
  return parts;
}

function stepOf({ op, object }: KernelChange): StepName | undefined {
  const removed = op === 'remove';
  switch (object.kind) {
    case 'fdb':
    case 'neighbour':
      return removed ? 'removal of neighbours' : 'neighbours';
    case 'nexthop':
      return removed ? 'removal of nexthops' : 'routes';
    case 'route':
      return removed ? 'removal of routes' : 'routes';
    default:
      return undefined;
  }
}

/** What needs each other is in one lane. */
function laneOf(object: KernelObject): string {
  switch (object.kind) {
    case 'neighbour':
      return familyLane(object.address);
    case 'nexthop':
      return familyLane(object.gateway);
    case 'route':
      return familyLane(object.prefix);
    default:
      return object.kind;
  }
}

function familyLane(text: string): string {
  return text.includes(':') ? 'IPv6' : 'IPv4';
}

function runsOf(changes: readonly KernelChange[]): Lane {
  const runs: { readonly tool: Tool; readonly run: KernelChange[] }[] = [];
  for (const change of changes) {
    const tool = toolOf(change.object);
    const last = runs.at(-1);
    if (last !== undefined && last.tool === tool && hasRoom(last.run, change)) last.run.push(change);
    else runs.push({ tool, run: [change] });
  }
  return runs;
}

function hasRoom(run: readonly KernelChange[], { object }: KernelChange): boolean {
  if (toolOf(object) === 'nft') return true;
  return run.length < (run.at(-1)?.object.kind === object.kind ? BATCH_SIZE : OWN_PROCESS);
}

function toolOf(object: KernelObject): Tool {
  switch (object.kind) {
    case 'fdb':
      return 'bridge';
    case 'rule':
      return object.source.includes(':') ? 'ip -6' : 'ip';
    case 'nftables':
    case 'admission':
      return 'nft';
    case 'docker-accept':
      return 'iptables';
    case 'offload':
      return 'ethtool';
    case 'sysctl':
      return 'sysctl';
    default:
      return 'ip';
  }
}
