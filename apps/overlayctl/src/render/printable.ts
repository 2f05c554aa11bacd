// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/**
 * Text from elsewhere on one line and without control characters, those included that turn the direction of what is
 * written after them (UAX #9): an error of an agent must not be able to steer the terminal, nor to look like another text.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, ' ').trim();
}

/** Text from elsewhere in the lines that it has, without other control characters. */
export function printableLines(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(CONTROL, ' ').trimEnd());
  return lines.join('\n').trimEnd();
}
