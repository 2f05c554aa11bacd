import { OverlayError } from '@overlay/failure';
import type { ChecksumOffload } from '../kernel-object.js';
import type { CallOptions } from '../kernel-tables.js';
import { type CommandRunner, outputOf } from './command-runner.js';

/** The device feature that decides whether checksums inside the tunnel are left for later (netdev-features of Linux). */
const FEATURE = 'tx-checksum-ip-generic';
const STATE = new RegExp(`^\\s*${FEATURE}: (on|off)`, 'm');
const DRIVER = /^driver: (\S+)/m;

/** Whether checksum offload of a device is on; undefined if the device or the tool is not there. */
export async function readOffload(
  runner: CommandRunner,
  device: string,
  { timeoutMs }: CallOptions,
): Promise<ChecksumOffload | undefined> {
  const [, state] = STATE.exec(await outputOf(runner, 'ethtool', ['-k', device], timeoutMs)) ?? [];
  return state === undefined ? undefined : { kind: 'offload', device, on: state === 'on' };
}

/** Name of a device's driver; undefined if it has none or the tool is not there. */
export async function readDriver(
  runner: CommandRunner,
  device: string,
  { timeoutMs }: CallOptions,
): Promise<string | undefined> {
  return DRIVER.exec(await outputOf(runner, 'ethtool', ['-i', device], timeoutMs))?.[1];
}

/** @throws OverlayError `unavailable` with the tool's words if the feature cannot be set. */
export async function writeOffload(
  runner: CommandRunner,
  { device, on }: ChecksumOffload,
  { timeoutMs }: CallOptions,
): Promise<void> {
  const args = ['-K', device, FEATURE, on ? 'on' : 'off'];
  const { exitCode, stderr } = await runner.run('ethtool', args, '', timeoutMs);
  if (exitCode !== 0)
    throw new OverlayError('unavailable', stderr.trim() || `ethtool ended with ${exitCode}`);
}
