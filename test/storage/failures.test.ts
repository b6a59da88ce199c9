import { QueryFailedError } from 'typeorm';
import { failureOf } from '../../src/storage/failures';

const server = (errno: number, message = '', code?: string) => ({ driverError: { errno, code, message } });
const client = (code: string | undefined, message = '') => Object.assign(new Error(message), code ? { code } : {});
const full = 'Got error 28 "No space left on device" from storage engine InnoDB';
const queueFull = 'Queue limit reached.';
const closed = "Can't add new command when connection is in closed state";
const tablet = 'target: crm.-80.primary: no healthy tablet available for \'keyspace:"crm" shard:"-80"\'';
const ended = 'vttablet: rpc error: code = Aborted desc = transaction 17: ended at 2026-11-27 (exceeded timeout: 20s)';

/** Numbers and words as the engines send them. */
const table: Array<[engine: string, error: unknown, failure: string | undefined]> = [
  ['MariaDB, MySQL: a deadlock', server(1213, '', 'ER_LOCK_DEADLOCK'), 'CONFLICT'],
  ['MariaDB, MySQL: a lock was not given in time', server(1205), 'CONFLICT'],
  ['MariaDB: the snapshot is old', server(1020, 'Record has changed since last read'), 'CONFLICT'],
  ['by its name alone', { driverError: { code: 'ER_LOCK_DEADLOCK' } }, 'CONFLICT'],
  ['MySQL: Group Replication', server(3101), 'CONFLICT'],
  ['TiDB: SELECT FOR UPDATE lost', server(8002), 'CONFLICT'],
  ['TiDB: write conflict', server(8005), 'CONFLICT'],
  ['TiDB: the commit may be retried', server(8022), 'CONFLICT'],
  ['TiDB: the schema changed', server(8028), 'CONFLICT'],
  ['TiDB: write conflict in TiKV', server(9007), 'CONFLICT'],
  ['Vitess: the transaction was ended', server(1317, ended), 'CONFLICT'],
  ['Galera: lost at certification', server(1180, 'Got error 149 "Lock deadlock" during COMMIT'), 'CONFLICT'],
  ['SQLite: another writer', client('SQLITE_BUSY'), 'CONFLICT'],
  ['SQLite: another writer, to a reader', client('SQLITE_BUSY_SNAPSHOT'), 'CONFLICT'],
  ['SQLite: another connection of this process', client('SQLITE_LOCKED_SHAREDCACHE'), 'CONFLICT'],

  [
    'MariaDB, MySQL: a unique value',
    server(1062, "Duplicate entry 'x' for key 'PRIMARY'", 'ER_DUP_ENTRY'),
    'DUPLICATE',
  ],
  ['SQLite: a unique value', client('SQLITE_CONSTRAINT_UNIQUE'), 'DUPLICATE'],
  ['SQLite: a key', client('SQLITE_CONSTRAINT_PRIMARYKEY'), 'DUPLICATE'],
  ['SQLite: a missing value is a mistake', client('SQLITE_CONSTRAINT_NOTNULL'), undefined],

  ['MariaDB, MySQL: too many connections', server(1040), 'UNAVAILABLE'],
  ['MariaDB, MySQL: it shuts down', server(1053), 'UNAVAILABLE'],
  ['MariaDB, MySQL: read-only', server(1290, 'running with the --read-only option'), 'UNAVAILABLE'],
  ['MySQL: super-read-only', server(1290, 'running with the --super-read-only option'), 'UNAVAILABLE'],
  ['another option that forbids it', server(1290, 'running with the --secure-file-priv option'), undefined],
  ['MariaDB: max_statement_time', server(1969), 'UNAVAILABLE'],
  ['MySQL: max_execution_time', server(3024), 'UNAVAILABLE'],
  ['MariaDB: the connection was killed', server(1927), 'UNAVAILABLE'],
  ['MySQL: gone away', server(2006), 'UNAVAILABLE'],
  ['MySQL: lost while it asked', server(2013), 'UNAVAILABLE'],
  ['Galera: no primary component', server(1047, 'WSREP has not yet prepared node for use'), 'UNAVAILABLE'],
  ['Galera: cut off at COMMIT', server(1180, 'Got error 6 "No such device or address" during COMMIT'), 'UNAVAILABLE'],
  ['Galera: too large, for good', server(1180, 'Got error 5 "Input/output error" during COMMIT'), undefined],
  ['MySQL: Group Replication is blocked', server(3100, "replication hook 'before_commit'"), 'UNAVAILABLE'],
  ['TiDB: PD is slow', server(9001), 'UNAVAILABLE'],
  ['TiDB: TiKV is slow', server(9002), 'UNAVAILABLE'],
  ['TiDB: TiKV is busy', server(9003), 'UNAVAILABLE'],
  ['TiDB: the region is away', server(9005), 'UNAVAILABLE'],
  ['Vitess: no tablet', server(1105, tablet), 'UNAVAILABLE'],
  ['Vitess: a shard fails over', server(1105, 'vttablet: rpc error: code = ClusterEvent desc = x'), 'UNAVAILABLE'],
  ['Vitess: throttled', server(1203, 'code = ResourceExhausted'), 'UNAVAILABLE'],
  ['an unknown error of a server', server(1105, 'something else'), undefined],
  ...['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'ENOTFOUND', 'EHOSTUNREACH'].map(
    (code): [string, unknown, string] => [
      `Node.js: ${code}`,
      Object.assign(client(code), { errno: -111 }),
      'UNAVAILABLE',
    ],
  ),
  ...['PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT', 'POOL_CLOSED', 'POOL_NONEONLINE'].map(
    (code): [string, unknown, string] => [`mysql2: ${code}`, client(code), 'UNAVAILABLE'],
  ),
  ['mysql2: the pool is full', new QueryFailedError('SELECT 1', [], client(undefined, queueFull)), 'UNAVAILABLE'],
  ['mysql2: the pool is closed', client(undefined, 'Pool is closed.'), 'UNAVAILABLE'],
  ['mysql2: the connection is closed', client(undefined, closed), 'UNAVAILABLE'],
  ...['IOERR_WRITE', 'NOMEM', 'INTERRUPT', 'CORRUPT', 'READONLY', 'CANTOPEN', 'NOTADB'].map(
    (code): [string, unknown, string] => [`SQLite: ${code}`, client(`SQLITE_${code}`), 'UNAVAILABLE'],
  ),
  ['SQLite: it is closed', new TypeError('The database connection is not open'), 'UNAVAILABLE'],

  ['SQLite: full', client('SQLITE_FULL'), 'FULL'],
  ['MariaDB, MySQL: the disk is full', server(1021), 'FULL'],
  ['MariaDB, MySQL: the table is full', server(1114, "The table 'audit_entry' is full"), 'FULL'],
  ['MariaDB, MySQL: no space', server(1030, full), 'FULL'],
  ['MariaDB: no space at COMMIT', server(1180, 'Got error 28 "No space left on device" during COMMIT'), 'FULL'],
  ['MySQL: no space in a file', server(3, "Error writing file '/var/x' (errno: 28)"), 'FULL'],
  ['MySQL: another error of a file', server(1030, 'Got error 168 from storage engine'), undefined],
  ['Node.js: no space', client('ENOSPC'), 'FULL'],

  ['a mistake in a statement', server(1064, "near 'until'", 'ER_PARSE_ERROR'), undefined],
  ['a value that speaks of a full disk', server(1062, "Duplicate entry 'No space left on device'"), 'DUPLICATE'],
  ['another kind of error', new Error('no'), undefined],
  ['no error', undefined, undefined],
];

test.each(table)('%s', (_, error, failure) => {
  expect(failureOf(error)).toBe(failure);
});

test('it looks at what caused an error, however deep, and ends where causes go round', () => {
  const deep = new Error('a', { cause: new Error('b', { cause: server(1213) }) });
  expect(failureOf(deep)).toBe('CONFLICT');
  const round: { cause?: unknown } = {};
  round.cause = { cause: round };
  expect(failureOf(round)).toBeUndefined();
});
