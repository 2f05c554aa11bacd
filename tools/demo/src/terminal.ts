/** Colours for a terminal, plain text elsewhere. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly strong: (text: string) => string;
}

/** Where the demo tells its story. */
export interface Terminal {
  readonly paint: Paint;
  /** Writes lines; none means an empty one. */
  line(text?: string): void;
}

/** The part of a stream that a terminal needs. */
export interface LineStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** No colours at all. */
export const PLAIN: Paint = {
  good: (text) => text,
  bad: (text) => text,
  faint: (text) => text,
  strong: (text) => text,
};

const ANSI: Paint = {
  good: sgr(32),
  bad: sgr(31),
  faint: sgr(2),
  strong: sgr(1),
};

/** Writes to a stream; in colour only where a person looks at it and has not set NO_COLOR. */
export function createTerminal(
  stream: LineStream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const coloured = stream.isTTY === true && (env.NO_COLOR ?? '') === '';
  return {
    paint: coloured ? ANSI : PLAIN,
    line: (text = '') => {
      stream.write(`${text}\n`);
    },
  };
}

function sgr(code: number): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`;
}
