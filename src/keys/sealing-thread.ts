import { Worker } from 'node:worker_threads';
import type { Identifier } from '../identifiers/forms';
import { sealingCipher } from './sealing';

/** A call of `sealing.ts` or `blind-index.ts`. Its key is an index into the batch's keys. */
export type Task =
  | readonly ['seal', key: number, value: unknown, aad: string]
  | readonly ['blindIndex', key: number, identifier: Identifier]
  | readonly ['attributeKeyIndex', key: number, person: string, attributeKey: string];
/** Sealed bytes, or a blind index. */
export type Made = Uint8Array | string | null;

/** A batch in transit. JSON passes between threads several times as fast as objects. */
export interface Sent {
  /** The keys in a row, {@link KEY_BYTES} each. */
  readonly keys: Uint8Array;
  /** The tasks in JSON. */
  readonly tasks: string;
}
export const KEY_BYTES = 32;

/** Stands for the result of a task, by its index in the batch. */
export class Awaited {
  constructor(readonly place: number) {}
}

interface Waiting {
  readonly resolve: (made: readonly Made[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A second thread that seals and digests while this one writes: a third of the work of an import. It starts with its
 * first batch. The keys that it received end with it.
 */
export class SealingThread {
  #worker: Worker | undefined;
  /** Batches in the order in which they were sent and are done. */
  readonly #waiting: Waiting[] = [];

  /** Starts a batch of tasks. */
  batch(): SealingBatch {
    return new SealingBatch((sent) => this.#make(sent));
  }

  /** Ends the thread. Pending batches fail. */
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
    const worker = new Worker(require.resolve('./sealing-worker'), { workerData: sealingCipher() });
    const fail = (error: unknown) => {
      // A failed thread may exit when the next one already runs.
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

/** Collects calls of `sealing.ts` and `blind-index.ts`, and fills in their results. */
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

  /** Runs the tasks. @returns the values, with results in their places */
  fill<T>(values: ReadonlyArray<T | Awaited>): Promise<Array<T | Buffer | string | null>> {
    const made = this.#make({ keys: Buffer.concat([...this.#keys.keys()]), tasks: JSON.stringify(this.#tasks) });
    const filled = made.then((all) =>
      values.map((value) => (value instanceof Awaited ? bound(all[value.place]) : value)),
    );
    // Several batches may be sent; they are awaited one after another.
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

/** A Buffer arrives from another thread as a plain array. */
function bound(made: Made | undefined): Buffer | string | null {
  if (made === undefined) throw new Error('The sealing thread made less than it was asked for.');
  return made instanceof Uint8Array ? Buffer.from(made.buffer, made.byteOffset, made.byteLength) : made;
}
