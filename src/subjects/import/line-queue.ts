import type { Line } from './lines';

/** The most taken lines that stay in the array. */
const SLACK = 4_096;

/** A queue of lines with look-ahead. */
export class LineQueue {
  readonly #source: AsyncGenerator<Line>;
  #lines: Line[] = [];
  #head = 0;
  #length = 0;

  constructor(source: AsyncGenerator<Line>) {
    this.#source = source;
  }

  /** The line at a distance from the next one. Undefined beyond the end of the file. */
  async peek(ahead: number): Promise<Line | undefined> {
    while (this.#head + ahead >= this.#lines.length) if (!(await this.#fetch())) return undefined;
    return this.#lines[this.#head + ahead];
  }

  /** As {@link peek}, among fetched lines only. */
  waiting(ahead: number): Line | undefined {
    return this.#lines[this.#head + ahead];
  }

  drop(count: number): void {
    for (let dropped = 0; dropped < count; dropped++) this.#length -= lengthOf(this.#lines[this.#head++]);
    if (this.#head < SLACK) return;
    this.#lines = this.#lines.slice(this.#head);
    this.#head = 0;
  }

  /** Fetches lines until this many characters are queued. */
  async fill(length: number): Promise<void> {
    while (this.#length <= length) if (!(await this.#fetch())) return;
  }

  async #fetch(): Promise<boolean> {
    const { done, value } = await this.#source.next();
    if (done) return false;
    this.#lines.push(value);
    this.#length += lengthOf(value);
    return true;
  }
}

const lengthOf = (line: Line | undefined): number => (line?.text?.length ?? 0) + 1;
