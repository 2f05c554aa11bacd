import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { type CniChain, type CniCommand, planCniInput } from './cni-chain.js';
import type { CommandResult } from './command.js';
import type { NetworkNamespace } from './network-namespace.js';
import { cniPath } from './surroundings.js';

/** What identifies one attachment of one container. */
export interface CniAttachment {
  readonly containerId: string;
  /** Path of the container's namespace; absent in a DEL after a reboot. */
  readonly netns?: string;
  readonly ifname: string;
  /** `CNI_ARGS`. */
  readonly args?: string;
}

/** One raw call of a plugin, for tests of the plugin itself. */
export interface CniCall {
  /** The plugin's file name in CNI_PATH. */
  readonly type: string;
  readonly input: string;
  /** The CNI_* variables, exactly; CNI_PATH is added when absent. */
  readonly env: Readonly<Record<string, string>>;
}

/** Plays the runtime's part of the CNI specification in a host's namespace, with real plugins. */
export class CniRuntime {
  readonly #host: NetworkNamespace;
  readonly #path: readonly string[];
  readonly #env: Readonly<Record<string, string>>;

  constructor(host: NetworkNamespace, repository: string, env: Readonly<Record<string, string>>) {
    this.#host = host;
    this.#path = cniPath(repository);
    this.#env = env;
  }

  /** Runs one plugin as it is told; nothing is interpreted. @throws OverlayError `not_found` without that plugin. */
  call(call: CniCall): Promise<CommandResult> {
    const folder = this.#path.find((candidate) => existsSync(join(candidate, call.type)));
    if (folder === undefined) {
      throw new OverlayError('not_found', `CNI plugin ${call.type} is in none of ${this.#path.join(', ')}`);
    }
    const env = { ...this.#env, CNI_PATH: this.#path.join(':'), ...call.env };
    return this.#host.exec([join(folder, call.type)], { input: call.input, env, timeoutMs: 60_000 });
  }

  /** ADD through the chain; what was added is deleted again when a later plugin fails. @returns the last result. */
  async add(chain: CniChain, attachment: CniAttachment): Promise<unknown> {
    let result: unknown;
    for (const plugin of chain.plugins) {
      const outcome = await this.call({
        type: plugin.type,
        input: planCniInput(chain, plugin, result),
        env: cniEnvironment('ADD', attachment),
      });
      if (outcome.exitCode !== 0) {
        await this.del(chain, attachment, result).catch(() => undefined); // the first failure is the one to tell
        throw cniFailure(plugin.type, 'ADD', chain.name, outcome);
      }
      result = JSON.parse(outcome.stdout);
    }
    return result;
  }

  /** DEL through the chain in reverse order. Safe to repeat. */
  async del(chain: CniChain, attachment: CniAttachment, prevResult?: unknown): Promise<void> {
    for (const plugin of [...chain.plugins].reverse()) {
      const outcome = await this.call({
        type: plugin.type,
        input: planCniInput(chain, plugin, prevResult),
        env: cniEnvironment('DEL', attachment),
      });
      if (outcome.exitCode !== 0) throw cniFailure(plugin.type, 'DEL', chain.name, outcome);
    }
  }
}

/** The variables of one call (CNI specification, section 2). */
export function cniEnvironment(command: CniCommand, attachment: CniAttachment): Record<string, string> {
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: attachment.containerId,
    CNI_IFNAME: attachment.ifname,
    ...(attachment.netns === undefined ? {} : { CNI_NETNS: attachment.netns }),
    ...(attachment.args === undefined ? {} : { CNI_ARGS: attachment.args }),
  };
}

function cniFailure(
  plugin: string,
  command: CniCommand,
  network: string,
  outcome: CommandResult,
): OverlayError {
  const words = outcome.stdout.trim() || outcome.stderr.trim();
  return new OverlayError(
    'unavailable',
    `CNI plugin ${plugin} ${command} for network ${network} failed (exit ${outcome.exitCode}): ${words}`,
  );
}
