/** Whether the file system said that there is no such file or folder (ENOENT). */
export function isMissingFile(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && Reflect.get(thrown, 'code') === 'ENOENT';
}
