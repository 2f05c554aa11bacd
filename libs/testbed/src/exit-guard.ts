/** An armed clean-up. */
export interface ExitGuard {
  /** Disarms it; the clean-up has happened or is not wanted. */
  readonly release: () => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const armed = new Set<() => void>();

/**
 * Runs a synchronous clean-up when the process exits or is told to end, unless released before. After a signal
 * the process ends by that signal, as if nobody had listened.
 */
export function guardExit(cleanUp: () => void): ExitGuard {
  if (armed.size === 0) install();
  armed.add(cleanUp);
  return {
    release: () => {
      armed.delete(cleanUp);
      if (armed.size === 0) uninstall();
    },
  };
}

function install(): void {
  process.on('exit', cleanUpAll);
  for (const signal of SIGNALS) process.on(signal, endBySignal);
}

function uninstall(): void {
  process.off('exit', cleanUpAll);
  for (const signal of SIGNALS) process.off(signal, endBySignal);
}

function cleanUpAll(): void {
  for (const cleanUp of armed) cleanUp();
  armed.clear();
}

function endBySignal(signal: NodeJS.Signals): void {
  cleanUpAll();
  uninstall();
  process.kill(process.pid, signal);
}
