import { type Attachment, Container } from './container.js';
import { runIpBatch } from './ip-batch.js';
import { NetworkNamespace } from './network-namespace.js';
import type { RuntimeContainer } from './runtime-container.js';
import type { Surroundings } from './surroundings.js';

/** A container that a runtime runs already. */
export interface RunningContainer extends Omit<Attachment, 'host' | 'addresses' | 'runtimeId'> {
  readonly container: RuntimeContainer;
}

/** The containers of one host, by whatever runs them, and the names for the next ones. */
export class ContainerRoster {
  /** Those that are there now. */
  readonly list: Container[] = [];
  readonly #around: Surroundings;
  readonly #host: string;
  #made = 0;

  constructor(around: Surroundings, host: string) {
    this.#around = around;
    this.#host = host;
  }

  /** Makes a namespace by hand and has it attached; it goes again if that fails. */
  async attach(attach: (shell: NetworkNamespace) => Promise<Attachment>): Promise<Container> {
    const shell = this.#nextShell();
    await runIpBatch([`netns add ${shell.namespace}`]);
    try {
      await shell.ip('link set lo up');
      return this.#enlist(shell.label, await attach(shell));
    } catch (cause) {
      await runIpBatch([`netns del ${shell.namespace}`]);
      throw cause;
    }
  }

  /** Has a runtime run a container and names its namespace; the container goes again if that fails. */
  async adopt(run: (label: string) => Promise<RunningContainer>): Promise<Container> {
    const shell = this.#nextShell();
    const { container, ...running } = await run(shell.label);
    try {
      await runIpBatch([`netns attach ${shell.namespace} ${container.pid}`]);
      const { id: runtimeId, addresses } = container;
      return this.#enlist(shell.label, { ...running, host: this.#host, addresses, runtimeId });
    } catch (cause) {
      await running.detach();
      throw cause;
    }
  }

  #nextShell(): NetworkNamespace {
    this.#made += 1;
    return new NetworkNamespace(this.#around, `${this.#host}-c${this.#made}`);
  }

  #enlist(label: string, attachment: Attachment): Container {
    const container = new Container(this.#around, label, {
      ...attachment,
      detach: async () => {
        await attachment.detach();
        this.list.splice(this.list.indexOf(container), 1);
      },
    });
    this.list.push(container);
    return container;
  }
}
