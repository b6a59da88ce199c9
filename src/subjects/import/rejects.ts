import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Fault } from './errors';

/**
 * The rejected rows and fields: line, reason and field, as one JSON object on each line. The row's values are not
 * repeated: they are personal data, and no erasure reaches this file. Without rejects there is no file.
 */
export class Rejects {
  readonly #path: string;
  #stream: WriteStream | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Removes the file of an earlier import. */
  static async at(path: string): Promise<Rejects> {
    await rm(path, { force: true });
    return new Rejects(path);
  }

  async add(line: number, { reason, field, through }: Fault): Promise<void> {
    this.#stream ??= createWriteStream(this.#path, { mode: 0o600 });
    const text = JSON.stringify({ line, through, reason, field });
    if (!this.#stream.write(`${text}\n`)) await once(this.#stream, 'drain');
  }

  /** Resolves once everything is written. */
  async close(): Promise<void> {
    if (!this.#stream) return;
    this.#stream.end();
    await once(this.#stream, 'finish');
  }
}
