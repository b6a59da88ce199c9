import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Fault } from './errors';

/**
 * The rows and fields that were not taken in: line, reason and field, a JSON object a line. What stood in the row is not repeated:
 * it is personal data, and this file lies outside every erasure. There is no file where nothing was rejected.
 */
export class Rejects {
  readonly #path: string;
  #stream: WriteStream | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Removes what an earlier import left there. */
  static async at(path: string): Promise<Rejects> {
    await rm(path, { force: true });
    return new Rejects(path);
  }

  async add(line: number, { reason, field, through }: Fault): Promise<void> {
    this.#stream ??= createWriteStream(this.#path, { mode: 0o600 });
    const text = JSON.stringify({ line, through, reason, field });
    if (!this.#stream.write(`${text}\n`)) await once(this.#stream, 'drain');
  }

  /** Returns once everything is in the file. */
  async close(): Promise<void> {
    if (!this.#stream) return;
    this.#stream.end();
    await once(this.#stream, 'finish');
  }
}
