import { parsed } from './sealing';

/** What sealed bytes hold. It is shared with everybody who opens the same bytes, so nobody may change it. */
export class OpenedContent {
  readonly #json: string;
  #value: unknown;
  #isPlain: boolean | undefined;

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
    this.#isPlain ??= this.#json.startsWith('{') && !this.#json.includes('\\');
    if (!this.#isPlain) return textOf(this.field(name) ?? null);
    const text = memberIn(this.#json, name) ?? 'null';
    return text === 'null' || text.startsWith('"') ? text : undefined;
  }
}

const textOf = (value: unknown): string | undefined =>
  value === null || typeof value === 'string' ? JSON.stringify(value) : undefined;

const [QUOTE, COMMA, OPENS, CLOSES, OPENS_LIST, CLOSES_LIST] = [...'",{}[]'].map((one) => one.charCodeAt(0));

/** The text of an object's member, in JSON without spaces in which nothing is escaped: there a quote ends a text. */
function memberIn(json: string, name: string): string | undefined {
  for (let at = 1; json.charCodeAt(at) === QUOTE; ) {
    const nameEnd = json.indexOf('"', at + 1);
    const start = nameEnd + 2;
    const end = endOfValue(json, start);
    if (nameEnd - at - 1 === name.length && json.startsWith(name, at + 1)) return json.slice(start, end);
    at = end + 1;
  }
  return undefined;
}

/** Where a value within an object ends. */
function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === QUOTE) {
      at = json.indexOf('"', at + 1);
      if (depth === 0) return at + 1;
    } else if (unit === OPENS || unit === OPENS_LIST) depth++;
    else if (unit === CLOSES || unit === CLOSES_LIST) {
      if (depth === 0) return at;
      depth--;
    } else if (unit === COMMA && depth === 0) return at;
  }
  return json.length;
}
