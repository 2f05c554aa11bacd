import type { AllocationHalf } from '@overlay/contracts';

/** A command that a container shall run. */
export interface ContainerCommand {
  readonly containerId: string;
  /** Which half its address is from, which tells whose container it is. */
  readonly half: AllocationHalf;
  /** Program and arguments. */
  readonly argv: readonly string[];
}

/** How a command ended. */
export interface CommandOutcome {
  readonly exitCode: number;
  /** The end of what it wrote. */
  readonly output: string;
}

/** Runs commands inside containers through their runtime, with the container's own user and privileges. */
export interface ContainerCommands {
  /**
   * Runs one command to its end. When the signal aborts the command is ended too.
   * @throws OverlayError `not_found` if no runtime knows the container; `unavailable` if none answers;
   * `deadline_exceeded` on the signal.
   */
  run(command: ContainerCommand, signal: AbortSignal): Promise<CommandOutcome>;
}
