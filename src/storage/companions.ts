import type { DataSource, EntityManager } from 'typeorm';
import { Ambient } from '../connections/ambient';

/** A write that is committed together with another one, or not at all. */
export interface Companion {
  /** Whether it goes with each transaction that changes something; else with the first one alone. */
  readonly isOfEach?: boolean;
  /** Whether it may be in this database. */
  isFor(source: DataSource): boolean;
  /** What it throws undoes the other write too. */
  write(manager: EntityManager): Promise<void>;
  /** Called when both are committed. */
  committed?(): void;
}

interface Waiting {
  readonly companion: Companion;
  isWritten: boolean;
}

const waiting = new Ambient<readonly Waiting[]>();

/**
 * Runs a function whose transactions that change something also do the companion's write: the first one, or each.
 * @returns the function's result, and whether there was such a transaction
 */
export async function alongside<T>(
  companion: Companion,
  run: () => Promise<T>,
): Promise<{ result: T; joined: boolean }> {
  const mine: Waiting = { companion, isWritten: false };
  const result = await waiting.run([...(waiting.get() ?? []), mine], run);
  return { result, joined: mine.isWritten };
}

type Work<T> = (manager: EntityManager, hasWritten: () => boolean) => Promise<T>;

/** A transaction's work with the writes of its companions. `settle` is to be called when it is committed. */
export function joined<T>(source: DataSource, work: Work<T>): { work: Work<T>; settle: () => void } {
  const companions = (waiting.get() ?? []).filter(
    ({ companion, isWritten }) => (companion.isOfEach || !isWritten) && companion.isFor(source),
  );
  if (companions.length === 0) return { work, settle: () => undefined };
  let written: readonly Waiting[] = [];
  return {
    work: async (manager, hasWritten) => {
      const result = await work(manager, hasWritten);
      written = hasWritten() ? companions : [];
      for (const { companion } of written) await companion.write(manager);
      return result;
    },
    settle: () => {
      for (const each of written) {
        each.isWritten = true;
        each.companion.committed?.();
      }
    },
  };
}
