import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { dialectOf, type EmbeddedDatabase, embeddedDatabaseOf } from './dialect';
import { BUSY_TIMEOUT_MS } from './embedded-transaction';
import { committed } from './transaction';

const LOOK_EVERY_MS = 20;
/** SQLite begins to write the log from its start again when nobody needs what is in it, but never makes it smaller. */
const LARGE_BYTES = 16 * 1024 * 1024;

/**
 * Empties the embedded database's log. Until then the log holds pages from before a deletion. Readers of other
 * processes may need it still; waiting for them blocks nothing else in this process.
 * @param patienceMs how long to wait for them
 * @returns whether it is empty
 */
export async function emptyWriteAheadLog(source: DataSource, patienceMs = BUSY_TIMEOUT_MS): Promise<boolean> {
  if (!dialectOf(source).embedded) return true;
  for (const deadline = performance.now() + patienceMs; ; await sleep(LOOK_EVERY_MS)) {
    if (await committed(source, async () => isEmptied(embeddedDatabaseOf(source)))) return true;
    if (performance.now() >= deadline) return false;
  }
}

function isEmptied(database: EmbeddedDatabase): boolean {
  // SQLite's own wait would block this process.
  database.pragma('busy_timeout = 0');
  try {
    const [row] = database.pragma('wal_checkpoint(TRUNCATE)') as Array<{ busy: number }>;
    return row?.busy === 0;
  } finally {
    database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
}

/** Empties the log where it has grown. It goes on growing while a reader of some process keeps an old snapshot open. */
export async function boundWriteAheadLog(source: DataSource): Promise<void> {
  if ((await writeAheadLogBytes(source)) > LARGE_BYTES) await emptyWriteAheadLog(source, 0);
}

/** The size of the embedded database's log; 0 for a server, whose logs are its own business. */
export async function writeAheadLogBytes(source: DataSource): Promise<number> {
  if (!dialectOf(source).embedded) return 0;
  const { name, memory } = embeddedDatabaseOf(source);
  if (memory) return 0;
  return stat(`${name}-wal`).then(
    ({ size }) => size,
    () => 0,
  );
}
