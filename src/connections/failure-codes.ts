/**
 * What a database's error means for who asked:
 * - CONFLICT: a competing transaction won and this one was rolled back; all of it may run again
 * - DUPLICATE: a row with that key or unique value exists
 * - UNAVAILABLE: the database is away, read-only, overloaded or too slow; it may work again later
 * - FULL: its disk is full
 */
export type StorageFailure = 'CONFLICT' | 'DUPLICATE' | 'UNAVAILABLE' | 'FULL';

/** A server's error: its number, the name that drivers give it (if any), and what it means. */
type ServerCode = readonly [number: number, name: string | undefined, failure: StorageFailure];

/**
 * Numbers up to 1999 are the same in MySQL and MariaDB, apart from 19xx. Sources:
 * - MySQL 8.4 Error Message Reference (dev.mysql.com/doc/mysql-errors/8.4/en/), server and client errors
 * - MariaDB Error Code Reference (mariadb.com/kb/en/mariadb-error-code-reference), `perror`
 * - Galera: wsrep_mysqld.cc and wsrep-lib (1047: the node is in no primary component; 1180: see below; 1213: lost at
 *   certification)
 * - Group Replication: dev.mysql.com/doc/refman/8.4/en/group-replication-limitations.html (3101), observer hooks (3100)
 * - TiDB: docs.pingcap.com/tidb/stable/error-codes, and pkg/errno/errcode.go for 9010 and 9011
 * - Vitess: go/mysql/sqlerror/sql_error.go (1041, 1203, 1317, 3168)
 */
export const serverCodes: readonly ServerCode[] = [
  // A competing transaction won. This one was rolled back, so it may run again.
  [1020, 'ER_CHECKREAD', 'CONFLICT'],
  [1180, 'ER_ERROR_DURING_COMMIT', 'CONFLICT'],
  [1205, 'ER_LOCK_WAIT_TIMEOUT', 'CONFLICT'],
  [1213, 'ER_LOCK_DEADLOCK', 'CONFLICT'],
  [1412, 'ER_TABLE_DEF_CHANGED', 'CONFLICT'],
  [1613, 'ER_XA_RBTIMEOUT', 'CONFLICT'],
  [1614, 'ER_XA_RBDEADLOCK', 'CONFLICT'],
  [1615, 'ER_NEED_REPREPARE', 'CONFLICT'],
  [1689, 'ER_LOCK_ABORTED', 'CONFLICT'],
  [3101, 'ER_TRANSACTION_ROLLBACK_DURING_COMMIT', 'CONFLICT'],
  [3572, 'ER_LOCK_NOWAIT', 'CONFLICT'],
  [8002, undefined, 'CONFLICT'],
  [8005, undefined, 'CONFLICT'],
  [8022, undefined, 'CONFLICT'],
  [8028, undefined, 'CONFLICT'],
  [9004, undefined, 'CONFLICT'],
  [9006, undefined, 'CONFLICT'],
  [9007, undefined, 'CONFLICT'],

  [1022, 'ER_DUP_KEY', 'DUPLICATE'],
  [1062, 'ER_DUP_ENTRY', 'DUPLICATE'],
  [1586, 'ER_DUP_ENTRY_WITH_KEY_NAME', 'DUPLICATE'],
  [1859, 'ER_DUP_UNKNOWN_IN_INDEX', 'DUPLICATE'],

  // The server is away, full of work, read-only, or gave up on the statement.
  [1037, 'ER_OUTOFMEMORY', 'UNAVAILABLE'],
  [1040, 'ER_CON_COUNT_ERROR', 'UNAVAILABLE'],
  [1041, 'ER_OUT_OF_RESOURCES', 'UNAVAILABLE'],
  [1042, 'ER_BAD_HOST_ERROR', 'UNAVAILABLE'],
  [1043, 'ER_HANDSHAKE_ERROR', 'UNAVAILABLE'],
  [1047, 'ER_UNKNOWN_COM_ERROR', 'UNAVAILABLE'],
  [1053, 'ER_SERVER_SHUTDOWN', 'UNAVAILABLE'],
  [1077, 'ER_NORMAL_SHUTDOWN', 'UNAVAILABLE'],
  [1079, 'ER_SHUTDOWN_COMPLETE', 'UNAVAILABLE'],
  [1080, 'ER_FORCING_CLOSE', 'UNAVAILABLE'],
  [1129, 'ER_HOST_IS_BLOCKED', 'UNAVAILABLE'],
  [1135, 'ER_CANT_CREATE_THREAD', 'UNAVAILABLE'],
  [1152, 'ER_ABORTING_CONNECTION', 'UNAVAILABLE'],
  [1158, 'ER_NET_READ_ERROR', 'UNAVAILABLE'],
  [1159, 'ER_NET_READ_INTERRUPTED', 'UNAVAILABLE'],
  [1160, 'ER_NET_ERROR_ON_WRITE', 'UNAVAILABLE'],
  [1161, 'ER_NET_WRITE_INTERRUPTED', 'UNAVAILABLE'],
  [1184, 'ER_NEW_ABORTING_CONNECTION', 'UNAVAILABLE'],
  [1203, 'ER_TOO_MANY_USER_CONNECTIONS', 'UNAVAILABLE'],
  [1206, 'ER_LOCK_TABLE_FULL', 'UNAVAILABLE'],
  [1226, 'ER_USER_LIMIT_REACHED', 'UNAVAILABLE'],
  [1317, 'ER_QUERY_INTERRUPTED', 'UNAVAILABLE'],
  [1637, 'ER_TOO_MANY_CONCURRENT_TRXS', 'UNAVAILABLE'],
  [1792, 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', 'UNAVAILABLE'],
  [1836, 'ER_READ_ONLY_MODE', 'UNAVAILABLE'],
  [1874, 'ER_INNODB_READ_ONLY', 'UNAVAILABLE'],
  [1927, undefined, 'UNAVAILABLE'],
  [1969, undefined, 'UNAVAILABLE'],
  [2002, undefined, 'UNAVAILABLE'],
  [2003, undefined, 'UNAVAILABLE'],
  [2005, undefined, 'UNAVAILABLE'],
  [2006, undefined, 'UNAVAILABLE'],
  [2013, undefined, 'UNAVAILABLE'],
  [2055, undefined, 'UNAVAILABLE'],
  [3024, 'ER_QUERY_TIMEOUT', 'UNAVAILABLE'],
  [3032, 'ER_SERVER_OFFLINE_MODE', 'UNAVAILABLE'],
  [3100, 'ER_RUN_HOOK_ERROR', 'UNAVAILABLE'],
  [3168, 'ER_SERVER_ISNT_AVAILABLE', 'UNAVAILABLE'],
  [3169, 'ER_SESSION_WAS_KILLED', 'UNAVAILABLE'],
  [4031, 'ER_CLIENT_INTERACTION_TIMEOUT', 'UNAVAILABLE'],
  [8027, undefined, 'UNAVAILABLE'],
  [9001, undefined, 'UNAVAILABLE'],
  [9002, undefined, 'UNAVAILABLE'],
  [9003, undefined, 'UNAVAILABLE'],
  [9005, undefined, 'UNAVAILABLE'],
  [9010, undefined, 'UNAVAILABLE'],
  [9011, undefined, 'UNAVAILABLE'],

  [1021, 'ER_DISK_FULL', 'FULL'],
  [1114, 'ER_RECORD_FILE_FULL', 'FULL'],
  [9008, undefined, 'FULL'],
];

/** Errors of Node.js, of mysql2 and of this product, by their code. */
export const clientCodes: Readonly<Record<string, StorageFailure>> = {
  // Node.js: nodejs.org/docs/latest-v20.x/api/errors.html#common-system-errors
  EAI_AGAIN: 'UNAVAILABLE',
  ECONNABORTED: 'UNAVAILABLE',
  ECONNREFUSED: 'UNAVAILABLE',
  ECONNRESET: 'UNAVAILABLE',
  EHOSTDOWN: 'UNAVAILABLE',
  EHOSTUNREACH: 'UNAVAILABLE',
  ENETDOWN: 'UNAVAILABLE',
  ENETUNREACH: 'UNAVAILABLE',
  ENOTFOUND: 'UNAVAILABLE',
  EPIPE: 'UNAVAILABLE',
  ERR_SOCKET_CLOSED: 'UNAVAILABLE',
  ERR_STREAM_DESTROYED: 'UNAVAILABLE',
  ERR_STREAM_WRITE_AFTER_END: 'UNAVAILABLE',
  ETIMEDOUT: 'UNAVAILABLE',
  EDQUOT: 'FULL',
  ENOSPC: 'FULL',
  // mysql2 3.24: lib/base/connection.js, lib/commands/query.js, lib/pool_cluster.js
  PROTOCOL_CONNECTION_LOST: 'UNAVAILABLE',
  PROTOCOL_ERROR: 'UNAVAILABLE',
  PROTOCOL_SEQUENCE_TIMEOUT: 'UNAVAILABLE',
  PROTOCOL_UNEXPECTED_PACKET: 'UNAVAILABLE',
  POOL_CLOSED: 'UNAVAILABLE',
  POOL_NOEXIST: 'UNAVAILABLE',
  POOL_NONEONLINE: 'UNAVAILABLE',
  // This product's own: time limits (storage/errors.ts), what holds the root of the keys (keys/roots/errors.ts), and
  // identifiers under two keys (tenancy/unique-indexes.ts).
  STORE_UNAVAILABLE: 'UNAVAILABLE',
  ROOT_KEYS_UNAVAILABLE: 'UNAVAILABLE',
  IDENTIFIER_TAKEN: 'DUPLICATE',
};

/**
 * SQLite's codes (sqlite.org/rescode.html). The driver gives the extended ones, such as SQLITE_IOERR_WRITE. The first
 * beginning that fits counts.
 */
export const embeddedCodes: ReadonlyArray<readonly [beginning: string, failure: StorageFailure]> = [
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'DUPLICATE'],
  ['SQLITE_CONSTRAINT_ROWID', 'DUPLICATE'],
  ['SQLITE_CONSTRAINT_UNIQUE', 'DUPLICATE'],
  ['SQLITE_BUSY', 'CONFLICT'],
  ['SQLITE_LOCKED', 'CONFLICT'],
  ['SQLITE_FULL', 'FULL'],
  ['SQLITE_CANTOPEN', 'UNAVAILABLE'],
  ['SQLITE_CORRUPT', 'UNAVAILABLE'],
  ['SQLITE_INTERRUPT', 'UNAVAILABLE'],
  ['SQLITE_IOERR', 'UNAVAILABLE'],
  ['SQLITE_NOMEM', 'UNAVAILABLE'],
  ['SQLITE_NOTADB', 'UNAVAILABLE'],
  ['SQLITE_PROTOCOL', 'UNAVAILABLE'],
  ['SQLITE_READONLY', 'UNAVAILABLE'],
];

interface MessageRule {
  /** Error numbers that may carry such a message; undefined for errors without a number or code. */
  readonly numbers: readonly number[] | undefined;
  readonly says: RegExp;
  /** Undefined takes back what the number alone would mean. */
  readonly failure: StorageFailure | undefined;
}

/** Errors that mean different things by their message. They come before the numbers. The first that fits counts. */
export const messageRules: readonly MessageRule[] = [
  // The server repeats the operating system's error: ENOSPC is 28, EDQUOT is 122.
  {
    numbers: [3, 1004, 1005, 1006, 1026, 1030, 1180],
    says: /\b(errno:?|error:?) (28|122)\b|No space left on device|Disk quota exceeded/i,
    failure: 'FULL',
  },
  // Galera: the number is wsrep_status (wsrep_api.h). 5: too large, and it always will be. 6 to 8: the node is cut off.
  { numbers: [1180], says: /Got error 5\b/, failure: undefined },
  { numbers: [1180], says: /Got error [678]\b/, failure: 'UNAVAILABLE' },
  // --read-only, --super-read-only; any other option that forbids a statement forbids it for good.
  { numbers: [1290], says: /read[-_ ]only/i, failure: 'UNAVAILABLE' },
  // Vitess names the code of its RPC (proto/vtrpc.proto). An aborted transaction was rolled back.
  { numbers: [1105, 1317], says: /\bcode = Aborted\b|transaction \d+: (ended|not found)/i, failure: 'CONFLICT' },
  {
    numbers: [1105, 1815],
    says: /\bcode = (Unavailable|ClusterEvent|DeadlineExceeded|Canceled|ResourceExhausted)\b/i,
    failure: 'UNAVAILABLE',
  },
  {
    numbers: [1105, 1815],
    says: /no healthy tablet|is not serving|operation not allowed in state|connection limit exceeded|pool exhausted/i,
    failure: 'UNAVAILABLE',
  },
  { numbers: [1105], says: /connection (refused|reset)|reset by peer|Lost connection/i, failure: 'UNAVAILABLE' },
  // mysql2 gives these no code (lib/base/pool.js, lib/base/connection.js), nor does the embedded driver.
  {
    numbers: undefined,
    says: /^(Error: )?(Pool is closed|Queue limit reached|No connections available)\.$/,
    failure: 'UNAVAILABLE',
  },
  {
    numbers: undefined,
    says: /^(Error: )?Can't (add new command when|write).* in closed state$/,
    failure: 'UNAVAILABLE',
  },
  { numbers: undefined, says: /The database connection is not open/, failure: 'UNAVAILABLE' },
];
