const FAILED_LINE = /^Command failed .*:(\d+)$/;

/** Errors of a batch run with `-force`, by line number (the first is 1). */
export interface BatchErrors {
  readonly byLine: ReadonlyMap<number, string>;
  /** What the tool said after its last failed line: it ended early, and later lines were perhaps not run. */
  readonly rest: string;
}

/** Parses what `ip -force -batch` and `bridge -force -batch` write to standard error. */
export function parseBatchErrors(stderr: string): BatchErrors {
  const byLine = new Map<number, string>();
  let words: string[] = [];
  for (const line of stderr.split('\n')) {
    const number = FAILED_LINE.exec(line)?.[1];
    if (number !== undefined) {
      byLine.set(Number(number), words.join('; ') || 'refused without a reason');
      words = [];
    } else if (line.trim() !== '') {
      words.push(line.trim());
    }
  }
  return { byLine, rest: words.join('; ') };
}
