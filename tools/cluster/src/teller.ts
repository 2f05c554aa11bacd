/** Where the commands tell what they do. */
export interface Teller {
  line(text?: string): void;
  /** Runs one step and tells how it went and how long it took; a failure is passed on. */
  step<T>(text: string, action: () => Promise<T>): Promise<T>;
}

const WIDTH = 84;

/** Tells on a stream. */
export function createTeller(stream: { write(text: string): unknown }): Teller {
  const line = (text = ''): void => {
    stream.write(`${text}\n`);
  };
  return {
    line,
    step: async (text, action) => {
      const started = performance.now();
      const tell = (mark: string): void => {
        line(`  ${mark} ${text.padEnd(WIDTH)}${formatSeconds(performance.now() - started)}`);
      };
      try {
        const value = await action();
        tell('✓');
        return value;
      } catch (cause) {
        tell('✗');
        throw cause;
      }
    },
  };
}

/** A duration in seconds for people, right-aligned. */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}
