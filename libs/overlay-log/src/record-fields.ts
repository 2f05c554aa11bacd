/** A JSON object of the log with readers for its fields. Every reader throws a plain reason; the codec adds the key. */
export class RecordFields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new TypeError('not an object');
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** The field as it is; undefined if it is absent. */
  value(name: string): unknown {
    return this.#fields[name];
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw new TypeError(`${name} is not text`);
    return value;
  }

  integer(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw new TypeError(`${name} is not an integer`);
    return value;
  }

  boolean(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value !== 'boolean') throw new TypeError(`${name} is not true or false`);
    return value;
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const text = this.text(name);
    const choice = choices.find((known) => known === text);
    if (choice === undefined) throw new TypeError(`${name} is none of ${choices.join(', ')}`);
    return choice;
  }

  list(name: string): readonly unknown[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
    return value;
  }

  block(name: string): RecordFields {
    return new RecordFields(this.#fields[name]);
  }

  texts(): Readonly<Record<string, string>> {
    for (const name of Object.keys(this.#fields)) this.text(name);
    return this.#fields as Readonly<Record<string, string>>;
  }
}
