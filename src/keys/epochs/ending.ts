import type { DataSource } from 'typeorm';
import { placesFor } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import type { EpochStage } from './epoch-state';

/** An epoch, as whoever awaits its end sees it. Times are milliseconds since 1970. */
export interface EndingEpoch {
  readonly number: number;
  readonly state: EpochStage;
  readonly begunAt: number;
  /** When nobody can use its root any more. */
  readonly endedAt: number | null;
  /**
   * When nobody can use its root or an earlier one, so that what was destroyed in it is final; null while one of them
   * has not ended. It may lie in the future.
   */
  readonly finalAt: number | null;
  /** The signed record of its end. */
  readonly record: string | null;
}

interface Row {
  readonly number: number;
  readonly state: EpochStage;
  readonly begun_at: number;
  readonly ended_at: number | null;
  readonly record: Buffer | null;
  readonly open: number;
  readonly last: number | null;
}

/** Epochs by their numbers; absent ones are left out. @param numbers at least one */
export async function endingEpochs(source: DataSource, numbers: readonly number[]): Promise<Map<number, EndingEpoch>> {
  const rows = await committed(source, () =>
    source.query<Row[]>(
      `SELECT e.number, e.state, e.begun_at, e.ended_at, e.record,
       (SELECT COUNT(*) FROM key_epoch p WHERE p.number <= e.number AND p.state <> 'ENDED') AS open,
       (SELECT MAX(q.ended_at) FROM key_epoch q WHERE q.number <= e.number) AS last
       FROM key_epoch e WHERE e.number IN (${placesFor(numbers)})`,
      [...numbers],
    ),
  );
  return new Map(rows.map((row) => [Number(row.number), endingOf(row)]));
}

function endingOf({ number, state, begun_at, ended_at, record, open, last }: Row): EndingEpoch {
  const at = (value: number | null) => (value === null ? null : Number(value));
  return {
    number: Number(number),
    state,
    begunAt: Number(begun_at),
    endedAt: at(ended_at),
    finalAt: Number(open) === 0 ? at(last) : null,
    record: record?.toString('utf8') ?? null,
  };
}
