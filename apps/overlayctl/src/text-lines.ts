/** Cuts text that comes in pieces into lines, without their ends. */
export async function* splitLines(
  pieces: AsyncIterable<string | Buffer>,
): AsyncGenerator<string, void, void> {
  let rest = '';
  for await (const piece of pieces) {
    const parts = (rest + String(piece)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}

const PIECE_CHARACTERS = 65_536;

/** Ends each line and gathers lines into pieces that are worth a write of their own. */
export async function* joinLines(lines: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  let piece = '';
  for await (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
