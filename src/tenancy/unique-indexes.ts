import type { EntityManager } from 'typeorm';
import { attributeKeyIndex, blindIndex } from '../keys/blind-index';
import type { DerivedKeys } from '../keys/derived-keys';
import { snakeCase } from '../storage/entity-class';
import { chunksOf } from '../storage/sql';
import { NonPersonal } from './personal-data';
import type { Row } from './tenant-reader';
import { joined, name, own, tenantSql } from './tenant-sql';
import { type IndexColumn, Key, TenantTable } from './tenant-table';

/** What a transaction changes to be alone with some identifiers of a client, while the client's secret is replaced. */
@TenantTable('identifier_turn', { erasure: 'DELETE' })
export class IdentifierTurn {
  @Key()
  clientId: string;

  /** A few bits of the identifiers' digests. */
  @Key('count')
  @NonPersonal('a few bits of a keyed digest, the same for many identifiers', { plain: 'count' })
  stripe: number;

  @NonPersonal('changes with every transaction', { plain: 'count' })
  turns: number;
}

/** How many transactions of one client may write identifiers at a time. */
const STRIPES = 64;
const CHUNK = 500;
/** The field that tells apart people who share an external id. */
const RANK = 'externalIdRank';

/** An identifier that one row only may have is taken, under the other one of a client's two secrets. */
class IdentifierTakenError extends Error {
  override readonly name = 'IdentifierTakenError';
  readonly code = 'IDENTIFIER_TAKEN';

  constructor() {
    super('Another row has this identifier.');
  }
}

/** Makes ready what {@link holdUnique} changes, before the first transaction that has two keys. */
export async function makeTurns(manager: EntityManager, client: string): Promise<void> {
  const sql = tenantSql(manager, client);
  for (let stripe = 0; stripe < STRIPES; stripe++) await sql.insertNew('identifier_turn', { stripe, turns: 0 });
}

export async function dropTurns(manager: EntityManager, client: string): Promise<void> {
  await tenantSql(manager, client).change`DELETE FROM identifier_turn WHERE ${own}`;
}

/** The fields beside a row's identifiers that say whether two rows may share one. */
export const rankIn = (table: TenantTable, fields: readonly string[]): string[] =>
  fields.includes('externalId') && table.fields.has(RANK) ? [RANK] : [];

interface Wanted {
  readonly row: Row;
  /** The identifier's blind indexes under all keys, the oldest key first. */
  readonly digests: readonly string[];
}

/**
 * Holds that an identifier which one row may have stays with one row, while the client has two keys for blind indexes.
 * A unique index compares what was made with one key only. So a transaction that writes identifiers waits for others
 * that write the same ones, and then looks for them under the keys that it does not write with.
 * @param rows as they will be, with their whole key
 * @throws {IdentifierTakenError}
 */
export async function holdUnique(
  manager: EntityManager,
  table: TenantTable,
  client: string,
  keys: DerivedKeys,
  rows: readonly Row[],
): Promise<void> {
  if (keys.all.length < 2) return;
  const wanted = [...table.indexes].map(
    ([field, index]) => [index, wantedOf(table, field, index, keys, rows)] as const,
  );
  await takeTurns(
    manager,
    client,
    wanted.flatMap(([, each]) => each),
  );
  for (const [{ column }, each] of wanted) {
    for (const chunk of chunksOf(each, CHUNK)) await requireFree(manager, table, client, column, keys, chunk);
  }
}

function wantedOf(
  table: TenantTable,
  field: string,
  { kind }: IndexColumn,
  { all }: DerivedKeys,
  rows: readonly Row[],
): Wanted[] {
  if (kind !== 'externalId' && kind !== 'attributeKey') return [];
  return rows.flatMap((row) => {
    const value = row[field];
    if (typeof value !== 'string') return [];
    const subject = String(table.subject ? row[table.subject.id] : '');
    const digests = all.flatMap((key) =>
      kind === 'attributeKey' ? attributeKeyIndex(key, subject, value) : (blindIndex(key, { kind, value }) ?? []),
    );
    return digests.length === 0 ? [] : [{ row, digests }];
  });
}

/** A row that is changed, not one that is locked: Galera replicates no locks. */
async function takeTurns(manager: EntityManager, client: string, wanted: readonly Wanted[]): Promise<void> {
  if (wanted.length === 0) return;
  // All processes know the newest key, and agree on the stripe.
  const stripes = [...new Set(wanted.map(({ digests }) => stripeOf(digests.at(-1) ?? '')))].sort((a, b) => a - b);
  const sql = tenantSql(manager, client);
  const take = () => sql.change`UPDATE identifier_turn SET turns = 1 - turns WHERE ${own} AND stripe IN (${stripes})`;
  if ((await take()) === stripes.length) return;
  for (const stripe of stripes) await sql.insertNew('identifier_turn', { stripe, turns: 0 });
  await take();
}

const stripeOf = (digest: string): number => (Buffer.from(digest, 'base64url')[0] ?? 0) % STRIPES;

async function requireFree(
  manager: EntityManager,
  table: TenantTable,
  client: string,
  column: string,
  { current, all }: DerivedKeys,
  wanted: readonly Wanted[],
): Promise<void> {
  const others = wanted.flatMap(({ digests }) => digests.filter((_, place) => all[place] !== current));
  const key = table.key.filter((property) => property !== 'clientId');
  const ranked = table.fields.has(RANK) ? [RANK] : [];
  const columns = [...key, ...ranked].map((property) => name(snakeCase(property)));
  const sql = tenantSql(manager, client);
  // An earlier read of this transaction may be older than its turn.
  const found = await sql.select<Row>`
    SELECT ${name(column)} AS digest, ${joined(columns, ', ')} FROM ${name(table.name)}
    WHERE ${own} AND ${name(column)} IN (${others})${sql.forUpdate}`;
  for (const other of found) {
    const isTaken = wanted.some(
      ({ row, digests }) =>
        digests.includes(String(other.digest)) &&
        Number(other[snakeCase(RANK)] ?? 0) === Number(row[RANK] ?? 0) &&
        key.some((property) => other[snakeCase(property)] !== row[property]),
    );
    if (isTaken) throw new IdentifierTakenError();
  }
}
