/** The state of a record after a line: complete, within a quoted value, or broken. */
export type Fed = 'whole' | 'open' | 'bad close' | 'bad open';

/** Reads one record by RFC 4180, line by line: a quoted value may hold line breaks. */
export class CsvRecord {
  readonly cells: string[] = [];
  readonly #delimiter: string;
  #value = '';
  #isQuoted = false;

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  /** @param ending what ended the line before, which a quoted value holds */
  feed(line: string, ending: string): Fed {
    let at = 0;
    if (this.#isQuoted) this.#value += ending;
    else if (!line.includes('"')) {
      this.cells.push(...line.split(this.#delimiter));
      return 'whole';
    }
    for (;;) {
      if (!this.#isQuoted) {
        if (line[at] === '"') {
          this.#isQuoted = true;
          at += 1;
          continue;
        }
        const stop = line.indexOf(this.#delimiter, at);
        const cell = line.slice(at, stop < 0 ? line.length : stop);
        if (cell.includes('"')) return 'bad open';
        this.cells.push(cell);
        if (stop < 0) return 'whole';
        at = stop + 1;
        continue;
      }
      const quote = line.indexOf('"', at);
      if (quote < 0) {
        this.#value += line.slice(at);
        return 'open';
      }
      this.#value += line.slice(at, quote);
      at = quote + 1;
      if (line[at] === '"') {
        this.#value += '"';
        at += 1;
        continue;
      }
      if (at < line.length && line[at] !== this.#delimiter) return 'bad close';
      this.cells.push(this.#value);
      this.#value = '';
      this.#isQuoted = false;
      if (at === line.length) return 'whole';
      at += 1;
    }
  }
}

/** One way to read lines with broken quotes: it is either inside or outside of a quoted value. */
export class Reading {
  readonly #delimiter: string;
  /**
   * Whether two quotes before a delimiter are a quote of the value and the closing one, instead of one doubled quote.
   */
  readonly closesAtTwo: boolean;
  isQuoted = false;
  /** Characters since the quote was opened. */
  length = 0;

  constructor(delimiter: string, closesAtTwo: boolean) {
    this.#delimiter = delimiter;
    this.closesAtTwo = closesAtTwo;
  }

  /** Reads a line. Only a quote before a delimiter or the end of the line closes; others belong to the value. */
  follow(line: string): void {
    for (let at = 0; ; ) {
      if (!this.isQuoted) {
        this.length = 0;
        if (line[at] !== '"') {
          const stop = line.indexOf(this.#delimiter, at);
          if (stop < 0) return;
          at = stop + 1;
          continue;
        }
        this.isQuoted = true;
        at += 1;
      }
      const quote = line.indexOf('"', at);
      this.length += (quote < 0 ? line.length + 1 : quote) - at;
      if (quote < 0) return;
      const isTwo = line[quote + 1] === '"';
      at = quote + (isTwo ? 2 : 1);
      if (!isEnd(line, at, this.#delimiter) || (isTwo && !this.closesAtTwo)) continue;
      this.isQuoted = false;
      if (at === line.length) return;
      at += 1;
    }
  }
}

const isEnd = (line: string, place: number, delimiter: string): boolean =>
  place === line.length || line[place] === delimiter;

/**
 * What in a line could close a quoted value: nothing, two quotes (for readings that close at two), or one (for any).
 */
export function closersIn(line: string, delimiter: string): 'none' | 'two' | 'one' {
  let found: 'none' | 'two' = 'none';
  for (let at = line.indexOf('"'); at >= 0; ) {
    let stop = at + 1;
    while (line[stop] === '"') stop++;
    if (isEnd(line, stop, delimiter)) {
      if ((stop - at) % 2 === 1) return 'one';
      found = 'two';
    }
    at = line.indexOf('"', stop);
  }
  return found;
}
