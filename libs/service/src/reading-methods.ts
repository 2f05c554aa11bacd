/** Methods that change nothing (RFC 9110, section 9.2.1). */
const READING = ['GET', 'HEAD'];

/** True for a method that changes nothing. */
export function isReading(method: string): boolean {
  return READING.includes(method);
}
