import type { EngineName } from '../../../src/storage/engine-profiles';

/** What an engine does not understand, or understands in a way that Remit must not rely on. */
export interface Construct {
  readonly name: string;
  readonly engines: readonly EngineName[];
  readonly pattern: RegExp;
  readonly source: string;
}

const TIDB = 'docs.pingcap.com/tidb/stable/mysql-compatibility';
const TIDB_NOOP = 'docs.pingcap.com/tidb/stable/system-variables, tidb_enable_noop_functions';
const VITESS = 'vitess.io/docs/reference/compatibility/mysql-compatibility';
const GALERA = 'mariadb.com/docs/galera-cluster/reference/mariadb-galera-cluster-known-limitations';

/** No statement may have any of these on the engines that are named. */
export const CONSTRUCTS: readonly Construct[] = [
  {
    name: 'stored procedures, functions, triggers, events',
    engines: ['tidb', 'vitess'],
    pattern: /\bCREATE (?:OR REPLACE )?(?:DEFINER\b.* )?(?:PROCEDURE|FUNCTION|TRIGGER|EVENT)\b|\bCALL /i,
    source: `${TIDB}; ${VITESS}`,
  },
  {
    name: 'foreign keys',
    engines: ['vitess'],
    pattern: /\bFOREIGN KEY\b|\bREFERENCES\b/i,
    source: `${VITESS}; planetscale.com/docs/concepts/foreign-key-constraints (across shards: never)`,
  },
  {
    name: '`SKIP LOCKED` and `NOWAIT`',
    engines: ['tidb', 'galera'],
    pattern: /\bSKIP LOCKED\b|\bNOWAIT\b/i,
    source: `github.com/pingcap/tidb/issues/18207; ${GALERA} (row locks are local to a node)`,
  },
  {
    name: '`GET_LOCK`, `LOCK TABLES`',
    engines: ['galera', 'mysql'],
    pattern: /\b(?:GET|RELEASE)_LOCK\s*\(|\bLOCK TABLES?\b/i,
    source: `${GALERA}; dev.mysql.com/doc/refman/8.4/en/group-replication-limitations.html (a lock is one server's)`,
  },
  {
    name: '`XA` transactions',
    engines: ['galera', 'tidb', 'vitess'],
    pattern: /^XA /i,
    source: `${GALERA}; ${TIDB}; ${VITESS}`,
  },
  {
    name: '`READ ONLY` transactions, `LOCK IN SHARE MODE`, `SQL_CALC_FOUND_ROWS`',
    engines: ['tidb'],
    pattern: /\bREAD ONLY\b|\bLOCK IN SHARE MODE\b|\bSQL_CALC_FOUND_ROWS\b/i,
    source: `${TIDB_NOOP} (an error by default)`,
  },
  {
    name: '`CREATE TABLE … SELECT`, temporary tables',
    engines: ['galera', 'tidb', 'vitess'],
    pattern: /\bCREATE TABLE\b[^;]*\)\s*(?:AS )?SELECT\b|\bCREATE TEMPORARY\b/i,
    source: `${TIDB}; ${VITESS}`,
  },
  {
    name: 'full text, spatial and XML functions',
    engines: ['tidb'],
    pattern: /\bFULLTEXT\b|\bMATCH\s*\(|\bSPATIAL\b|\bST_\w+\s*\(|\bExtractValue\s*\(/i,
    source: TIDB,
  },
  {
    name: '`UPDATE` or `DELETE` of several tables',
    engines: ['vitess'],
    pattern: /^UPDATE [^(]*?(?:,| JOIN )[^(]*? SET |^DELETE (?!FROM)|^DELETE FROM \S+ (?:\w+ )?USING /i,
    source: 'github.com/vitessio/vitess go/vt/vtgate/planbuilder/testdata/unsupported_cases.json',
  },
  {
    name: '`LOAD DATA`, `INTO OUTFILE`',
    engines: ['galera', 'vitess'],
    pattern: /\bLOAD DATA\b|\bINTO OUTFILE\b/i,
    source: `${GALERA}; ${VITESS}`,
  },
  {
    name: 'double quotes around a value or name',
    engines: ['mysql', 'mariadb', 'galera', 'tidb', 'vitess'],
    pattern: /(?<!CHARACTER SET |COLLATE |\w)"/,
    source: 'dev.mysql.com/doc/refman/8.4/en/sql-mode.html, ANSI_QUOTES gives them another meaning',
  },
  {
    name: 'MariaDB’s own `RETURNING`, `SEQUENCE`, `CREATE OR REPLACE TABLE`, system versioning',
    engines: ['mysql', 'tidb', 'vitess'],
    pattern: /\bRETURNING\b|\b(?:CREATE|NEXT VALUE FOR) SEQUENCE\b|\bOR REPLACE TABLE\b|\bSYSTEM VERSIONING\b/i,
    source: 'mariadb.com/docs/release-notes/community-server/about/compatibility-and-differences',
  },
];

/** What needs care on a sharded Vitess, and the statements that have it. No other may. */
export interface Care extends Construct {
  readonly statements: readonly string[];
}

export const SHARDED: readonly Care[] = [
  {
    name: '`AUTO_INCREMENT`: keep this table in an unsharded keyspace',
    engines: ['vitess'],
    pattern: /\bAUTO_INCREMENT\b/i,
    source: 'vitess.io/docs/reference/features/vitess-sequences',
    statements: ['CREATE TABLE `migrations`'],
  },
  {
    name: 'a unique index without the client holds within a shard only: keep these tables in an unsharded keyspace',
    engines: ['vitess'],
    pattern: /\bUNIQUE INDEX `\w+` (?:ON `\w+` ?)?\((?!`client_id`)/i,
    source: 'vitess.io/docs/user-guides/vschema-guide/unique-lookup',
    statements: [
      'CREATE TABLE `audit_entry`',
      'CREATE TABLE `client`',
      'CREATE TABLE `sub_processor`',
      'CREATE TABLE `third_party_application`',
    ],
  },
  {
    name: '`INSERT … SELECT` over the rows of every shard: runs once, in a migration',
    engines: ['vitess'],
    pattern: /^INSERT\b.*\bSELECT\b/i,
    source: VITESS,
    statements: ['INSERT INTO identifier_reindex'],
  },
];

/** A statement by what it does to which table. */
export const nameOf = (statement: string): string =>
  /^[^(]+?`?\w+`?(?= ?\(| SELECT|$)/.exec(statement)?.[0].trim() ?? statement;
