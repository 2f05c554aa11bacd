/** The code of a system error, for example `ENOENT`; '' for whatever else was thrown. */
export function errnoOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';
}
