import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import { failureOf } from './failures';
import { keepStatements } from './lasting-statements';

/** How long to wait for another process. Milliseconds. */
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 10;

/**
 * Runs `work` while no other process, container or host that shares the file runs any under the same lock. The lock is
 * the one that SQLite takes on a file: it ends with its process. The file stays, empty.
 * @throws {Error} where the lock cannot be had
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const { default: Sqlite } = await import('better-sqlite3');
  // SQLite's own wait would block this process.
  const lock = new Sqlite(path, { timeout: 0 });
  keepStatements(lock);
  try {
    for (const deadline = Date.now() + PATIENCE_MS; !isTaken(lock); await sleep(LOOK_EVERY_MS)) {
      if (Date.now() > deadline) throw new Error(`${path} is locked by another process for ${PATIENCE_MS / 1_000} s`);
    }
    return await work();
  } finally {
    lock.close();
  }
}

function isTaken(lock: Database): boolean {
  try {
    // Else a process that dies would leave a journal beside it.
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (failureOf(error) !== 'CONFLICT') throw error;
    return false;
  }
}
