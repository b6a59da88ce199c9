import { parsed } from './sealing';

/** What sealed bytes hold. It is shared with everybody who opens the same bytes, so nobody may change it. */
export class OpenedContent {
  readonly #json: string;
  #value: unknown;
  #isFlat: boolean | undefined;

  /** @param json as `JSON.stringify` wrote it */
  constructor(json: string) {
    this.#json = json;
  }

  /** @throws UnsealError for what is no JSON */
  get value(): unknown {
    this.#value ??= parsed(this.#json);
    return this.#value;
  }

  /** A field of the content; undefined where there is none. */
  field(name: string): unknown {
    return (this.value as Readonly<Record<string, unknown>> | null)?.[name];
  }

  /**
   * The JSON text of a field that is a text or nothing; undefined for any other. It stands in the content as it is.
   * @param name as GraphQL has names
   */
  textOf(name: string): string | undefined {
    this.#isFlat ??= isFlat(this.#json);
    if (!this.#isFlat) return textOf(this.field(name) ?? null);
    const json = this.#json;
    const member = `"${name}":`;
    const found = json.indexOf(member);
    if (found === -1) return 'null';
    const start = found + member.length;
    if (json.startsWith('null', start)) return 'null';
    return json[start] === '"' ? json.slice(start, json.indexOf('"', start + 1) + 1) : undefined;
  }
}

/** Whether it is one object in which nothing is escaped: then a quote is the end of a text, and a name is a field's. */
const isFlat = (json: string): boolean => json.startsWith('{') && !json.includes('{', 1) && !json.includes('\\');

const textOf = (value: unknown): string | undefined =>
  value === null || typeof value === 'string' ? JSON.stringify(value) : undefined;
