import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';

/** Where a command reads and writes. */
export interface Terminal {
  /** True if a person sits there who can be asked. */
  readonly interactive: boolean;
  /** Writes lines of the answer. */
  print(text: string): void;
  /** Writes a line that is not part of the answer: errors and remarks. */
  warn(text: string): void;
  /** Writes a long answer piece by piece, as fast as it is read. */
  printPieces(pieces: AsyncIterable<string>): Promise<void>;
  /** What comes in, to be read once. */
  readonly input: AsyncIterable<string | Buffer>;
  /** Asks a question and resolves with the line that was typed; '' at the end of the input. */
  ask(question: string): Promise<string>;
}

/** The streams of a process. */
export interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** The terminal of a process. Questions go to standard error, so that a redirected answer stays clean. */
export function createTerminal({ stdin, stdout, stderr }: TerminalStreams): Terminal {
  return {
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    print: (text) => void stdout.write(`${text}\n`),
    printPieces: async (pieces) => {
      for await (const piece of pieces) if (!stdout.write(piece)) await once(stdout, 'drain');
    },
    input: stdin,
    warn: (text) => void stderr.write(`${text}\n`),
    ask: (question) => askLine(stdin, stderr, question),
  };
}

async function askLine(input: NodeJS.ReadStream, output: NodeJS.WriteStream, question: string) {
  const lines = createInterface({ input, output });
  try {
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}
