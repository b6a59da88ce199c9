import Database from 'better-sqlite3';
import type { Faults } from './faults';

type Statement = Database.Statement;
type Runs = 'run' | 'all';

const failed = (code: string, message: string) => Object.assign(new Error(message), { code, name: 'SqliteError' });

/**
 * Faults of the embedded database, at the driver: the statement fails before it runs, after SQLite has rolled back by
 * itself as it does for a full disk, or after it ran; or none runs any more, as when the process has died.
 */
export function embeddedFaults(): Faults {
  const probe = new Database(':memory:');
  const statements = Object.getPrototypeOf(probe.prepare('SELECT 1')) as Statement;
  const connections = Database.prototype as Database.Database;
  probe.close();
  const real = { run: statements.run, all: statements.all, exec: connections.exec };
  let armed: { kind: string; at: number } | undefined;
  let count = 0;
  let struck: string | undefined;

  const asked = <T>(database: Database.Database, sql: string, run: () => T): T => {
    if (/^\s*PRAGMA/i.test(sql)) return run();
    const number = ++count;
    if (!armed || number < armed.at) return run();
    const { kind } = armed;
    if (kind === 'AWAY') {
      struck ??= sql;
      if (database.inTransaction) real.exec.call(database, 'ROLLBACK');
      throw failed('SQLITE_IOERR_READ', 'disk I/O error');
    }
    if (kind !== 'FULL') armed = undefined;
    if (kind !== 'FULL') struck ??= sql;
    if (kind === 'ERROR') throw failed('SQLITE_IOERR_READ', 'disk I/O error');
    if (kind === 'LOST_ANSWER') {
      run();
      throw failed('SQLITE_IOERR_FSYNC', 'disk I/O error');
    }
    // A full disk: nothing is written from here on. SQLite rolls back by itself.
    if (/^\s*(SELECT|BEGIN|ROLLBACK)/i.test(sql)) return run();
    struck ??= sql;
    if (database.inTransaction) real.exec.call(database, 'ROLLBACK');
    throw failed('SQLITE_FULL', 'database or disk is full');
  };
  const patched = (name: Runs) =>
    function (this: Statement, ...parameters: unknown[]) {
      return asked<unknown>(this.database, this.source, () => Reflect.apply(real[name], this, parameters));
    };
  Object.assign(statements, { run: patched('run'), all: patched('all') });
  Object.assign(connections, {
    exec(this: Database.Database, sql: string) {
      return asked(this, sql, () => real.exec.call(this, sql));
    },
  });
  return {
    kinds: ['ERROR', 'LOST_ANSWER', 'FULL', 'AWAY'],
    arm: (kind, at) => {
      count = 0;
      struck = undefined;
      armed = { kind, at };
    },
    disarm: () => {
      armed = undefined;
      return { count, struck };
    },
    through: (url) => url,
    close: async () => {
      Object.assign(statements, { run: real.run, all: real.all });
      Object.assign(connections, { exec: real.exec });
    },
  };
}
