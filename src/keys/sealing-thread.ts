import { Worker } from 'node:worker_threads';
import type { Identifier } from '../identifiers/forms';

/** What only a key can make, as `sealing.ts` and `blind-index.ts` makes it; the key is a place among the batch's keys. */
export type Task =
  | readonly ['seal', key: number, value: unknown, aad: string]
  | readonly ['blindIndex', key: number, identifier: Identifier]
  | readonly ['attributeKeyIndex', key: number, person: string, attributeKey: string];
/** Sealed bytes, or an index. */
export type Made = Uint8Array | string | null;

/** A batch on its way: JSON goes from thread to thread several times as fast as objects do. */
export interface Sent {
  /** One after another, {@link KEY_BYTES} each. */
  readonly keys: Uint8Array;
  /** Tasks in JSON. */
  readonly tasks: string;
}
export const KEY_BYTES = 32;

/** Stands for what the thread makes, at a place among its batch's tasks. */
export class Awaited {
  constructor(readonly place: number) {}
}

interface Waiting {
  readonly resolve: (made: readonly Made[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A second thread that seals and digests while this one writes: that is a third of taking people in. It starts with its
 * first batch. The keys that it was given go with it.
 */
export class SealingThread {
  #worker: Worker | undefined;
  /** In the order in which their tasks were sent, which is that in which they are done. */
  readonly #waiting: Waiting[] = [];

  /** Tasks that are sent together. */
  batch(): SealingBatch {
    return new SealingBatch((sent) => this.#make(sent));
  }

  /** Whoever still waits is told that it ended. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #make(sent: Sent): Promise<readonly Made[]> {
    this.#worker ??= this.#start();
    const made = new Promise<readonly Made[]>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#worker.postMessage(sent);
    sent.keys.fill(0);
    return made;
  }

  #start(): Worker {
    const worker = new Worker(require.resolve('./sealing-worker'));
    const fail = (error: unknown) => {
      // One that failed exits while another may work already.
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    worker.on('message', (made: readonly Made[]) => this.#waiting.shift()?.resolve(made));
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('The sealing thread ended.')));
    return worker;
  }
}

/** Collects tasks in the place of `sealing.ts` and `blind-index.ts`, and says what came of them. */
export class SealingBatch {
  readonly #tasks: Task[] = [];
  readonly #keys = new Map<Buffer, number>();
  readonly #make: (sent: Sent) => Promise<readonly Made[]>;

  constructor(make: (sent: Sent) => Promise<readonly Made[]>) {
    this.#make = make;
  }

  seal(key: Buffer, value: unknown, aad: string): Awaited {
    return this.#add(['seal', this.#placeOf(key), value, aad]);
  }

  blindIndex(key: Buffer, identifier: Identifier): Awaited {
    return this.#add(['blindIndex', this.#placeOf(key), identifier]);
  }

  attributeKeyIndex(key: Buffer, person: string, attributeKey: string): Awaited {
    return this.#add(['attributeKeyIndex', this.#placeOf(key), person, attributeKey]);
  }

  /** Has the tasks done. @returns the values, with what was made instead of what stood for it */
  fill<T>(values: ReadonlyArray<T | Awaited>): Promise<Array<T | Buffer | string | null>> {
    const made = this.#make({ keys: Buffer.concat([...this.#keys.keys()]), tasks: JSON.stringify(this.#tasks) });
    const filled = made.then((all) =>
      values.map((value) => (value instanceof Awaited ? bound(all[value.place]) : value)),
    );
    // Of several batches that were sent, one is awaited after another.
    filled.catch(() => undefined);
    return filled;
  }

  #placeOf(key: Buffer): number {
    if (key.length !== KEY_BYTES) throw new TypeError(`A key has ${KEY_BYTES} bytes.`);
    const place = this.#keys.get(key) ?? this.#keys.size;
    this.#keys.set(key, place);
    return place;
  }

  #add(task: Task): Awaited {
    return new Awaited(this.#tasks.push(task) - 1);
  }
}

/** Between threads a Buffer comes as the array that it is. */
function bound(made: Made | undefined): Buffer | string | null {
  if (made === undefined) throw new Error('The sealing thread made less than it was asked for.');
  return made instanceof Uint8Array ? Buffer.from(made.buffer, made.byteOffset, made.byteLength) : made;
}
