import { type ChangeRecorder, changing } from './identity/change-recorder';
import type { RotatedUse } from './keys/rotation/rotating-key';
import type { KeyRecord, PreparedKey, RotatingKeys } from './keys/rotation/rotating-keys';

/** Keys of one use, and what their replacement takes. */
export interface KeyRotation {
  readonly use: RotatedUse;
  readonly keys: Pick<RotatingKeys<unknown>, 'current' | 'records' | 'publish' | 'ended' | 'destroy'>;
  /** Makes the next key. */
  prepare(): Promise<PreparedKey>;
  /** Does what must be done before the secret of a key from before is destroyed. */
  release?(): Promise<unknown>;
}

/** Where a rotation stands. */
export interface RotationState extends KeyRecord {
  readonly use: RotatedUse;
}

/**
 * Replaces the platform's keys, without a pause: a new key is published; after a while every process uses it; a while
 * after that the secret of the one before is destroyed. Any process may begin a rotation, and any other one end it.
 */
export class KeyRotations {
  readonly #rotations: readonly KeyRotation[];
  readonly #recorder: ChangeRecorder;

  constructor(rotations: readonly KeyRotation[], recorder: ChangeRecorder) {
    this.#rotations = rotations;
    this.#recorder = recorder;
  }

  /**
   * Publishes a new key for each of the uses.
   * @throws {RotationUnderWayError} where the last rotation has not ended
   */
  async begin(uses: readonly RotatedUse[]): Promise<RotationState[]> {
    const begun: RotationState[] = [];
    for (const { use, keys, prepare } of this.#rotations) {
      if (!uses.includes(use)) continue;
      const next = await prepare();
      const { number, id, publicKey, statement } = next;
      const usedFrom = new Date(next.usedFrom).toISOString();
      const details = { keys: use, number, key: publicKey ?? id, usedFrom, statement };
      await changing(this.#recorder, 'KEY_PUBLISHED', { principal: 'keys', details }, () => keys.publish(next));
      const published = (await keys.records()).find((record) => record.number === number);
      if (published) begun.push({ use, ...published });
    }
    return begun;
  }

  /** Begins what is due: keys that have been used for longer than `everyMs`. */
  async beginDue(everyMs: number): Promise<RotationState[]> {
    const due: RotatedUse[] = [];
    for (const { use, keys } of this.#rotations) {
      await keys.current();
      const newest = (await keys.records()).at(-1);
      if (newest && Date.now() - newest.usedFrom >= everyMs) due.push(use);
    }
    return this.begin(due);
  }

  /**
   * Ends rotations whose time has come: secrets of keys from before are destroyed.
   * @returns the keys whose secret is gone
   */
  async end(): Promise<RotationState[]> {
    const gone: RotationState[] = [];
    for (const { use, keys, release } of this.#rotations) {
      const ended = await keys.ended();
      if (ended.length > 0) await release?.();
      for (const record of ended) {
        const details = { keys: use, number: record.number, key: record.publicKey ?? record.id };
        await changing(this.#recorder, 'KEY_DESTROYED', { principal: 'keys', details }, () => keys.destroy(record));
        gone.push({ use, ...record });
      }
    }
    return gone;
  }

  /** Every key, by its use. */
  async state(): Promise<RotationState[]> {
    const all: RotationState[] = [];
    for (const { use, keys } of this.#rotations) {
      await keys.current();
      all.push(...(await keys.records()).map((record) => ({ use, ...record })));
    }
    return all;
  }
}
