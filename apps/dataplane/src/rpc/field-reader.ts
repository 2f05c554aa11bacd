import { type FieldViolation, OverlayError } from '@overlay/failure';

/** Reads fields of a message into value types and collects every violation on the way. */
export class FieldReader {
  readonly #violations: FieldViolation[] = [];

  /** The parsed value; undefined, with a violation noted, if it does not parse. */
  read<V, T>(field: string, value: V, parse: (value: V) => T): T | undefined {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof OverlayError)) throw error;
      this.violate(field, error.message);
      return undefined;
    }
  }

  /** As {@link read}, but an empty text is an absent value and no violation. */
  optional<T>(field: string, text: string, parse: (text: string) => T): T | undefined {
    return text === '' ? undefined : this.read(field, text, parse);
  }

  /** Notes a violation. */
  violate(field: string, description: string): void {
    this.#violations.push({ field, description });
  }

  /** @throws OverlayError `invalid_argument` with every violation, if there is one. */
  finish(): void {
    if (this.#violations.length > 0) throw OverlayError.invalid(this.#violations);
  }
}
