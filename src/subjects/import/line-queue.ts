import type { Line } from './lines';

/** Dropped lines that are kept at most. */
const SLACK = 4_096;

/** Lines that can be looked at before they are taken. */
export class LineQueue {
  readonly #source: AsyncGenerator<Line>;
  #lines: Line[] = [];
  #head = 0;
  #length = 0;

  constructor(source: AsyncGenerator<Line>) {
    this.#source = source;
  }

  /** The line that many after the next one; undefined beyond the file's end. */
  async peek(ahead: number): Promise<Line | undefined> {
    while (this.#head + ahead >= this.#lines.length) if (!(await this.#fetch())) return undefined;
    return this.#lines[this.#head + ahead];
  }

  /** As {@link peek}, of those that were fetched already. */
  waiting(ahead: number): Line | undefined {
    return this.#lines[this.#head + ahead];
  }

  drop(count: number): void {
    for (let dropped = 0; dropped < count; dropped++) this.#length -= lengthOf(this.#lines[this.#head++]);
    if (this.#head < SLACK) return;
    this.#lines = this.#lines.slice(this.#head);
    this.#head = 0;
  }

  /** Fetches lines until so many characters wait. */
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
