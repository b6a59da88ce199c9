import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { attributeKeyIndex } from '../keys/blind-index';
import { ClientKeyError, UnsealError } from '../keys/errors';
import type { KeyStore } from '../keys/key-store';
import { seal, unseal } from '../keys/sealing';
import { withMigrationLock } from '../storage/migration-lock';
import { inTransaction } from '../storage/transaction';
import { emptyWriteAheadLog } from '../storage/write-ahead-log';
import { writeStatement } from '../storage/write-statement';
import { sealingContext } from '../tenancy/tenant-reader';
import { tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { CustomAttribute } from './related/custom-attribute';

/** The table to which the migration moved attributes with plain keys. */
const TABLE = 'customer_attribute_plain';
const CHUNK = 500;

interface PlainAttribute {
  readonly client_id: string;
  readonly customer_id: string;
  readonly key: string;
  readonly sealed_behaviour: Buffer | null;
}

/** Whether a database has attributes with keys to be sealed. Until then nobody reads them. */
export async function hasPlainAttributes(source: DataSource): Promise<boolean> {
  const runner = source.createQueryRunner();
  try {
    return await runner.hasTable(TABLE);
  } finally {
    await runner.release();
  }
}

/**
 * Seals the attributes in the table, some rows at a time, and drops it. After an interruption it goes on where it
 * stopped. Rows of people whose key is destroyed are dropped: they are erased already. A value that does not open
 * becomes empty.
 * @returns how many rows there were
 */
export async function sealPlainAttributes(source: DataSource, keys: KeyStore): Promise<number> {
  return withMigrationLock(source, async () => {
    let sealed = 0;
    if (!(await hasPlainAttributes(source))) return sealed;
    for (let some = -1; some !== 0; sealed += some) some = await inTransaction(source, (m) => sealSome(m, keys));
    await writeStatement(source, `DROP TABLE IF EXISTS \`${TABLE}\``);
    // The file's deleted content is overwritten, but its log still has it.
    await emptyWriteAheadLog(source);
    return sealed;
  });
}

async function sealSome(manager: EntityManager, keys: KeyStore): Promise<number> {
  const order = '`client_id`, `customer_id`, `key`';
  const rows = await manager.query<PlainAttribute[]>(`SELECT * FROM \`${TABLE}\` ORDER BY ${order} LIMIT ${CHUNK}`);
  for (const client of new Set(rows.map(({ client_id }) => client_id))) {
    const own = rows.filter(({ client_id }) => client_id === client);
    const subjectKeys = await keysOf(keys, client, own);
    const indexKey = subjectKeys.size > 0 ? await keys.derivedKey(client, 'blind-index') : undefined;
    for (const row of own) {
      const subjectKey = subjectKeys.get(row.customer_id);
      if (subjectKey && indexKey) await insertSealed(manager, row, subjectKey, indexKey);
    }
    for (const key of subjectKeys.values()) key.fill(0);
  }
  for (const { client_id, customer_id, key } of rows) {
    await manager.query(`DELETE FROM \`${TABLE}\` WHERE \`client_id\` = ? AND \`customer_id\` = ? AND \`key\` = ?`, [
      client_id,
      customer_id,
      key,
    ]);
  }
  return rows.length;
}

/** Not by TenantWriter, which refuses people under erasure: their rows must stay until they are erased. */
async function insertSealed(
  manager: EntityManager,
  row: PlainAttribute,
  subjectKey: Buffer,
  indexKey: Buffer,
): Promise<void> {
  const { client_id: clientId, customer_id: customerId, key } = row;
  const identity = { clientId, customerId, id: uuid() };
  const context = sealingContext(tableOf(CustomAttribute), identity, 'BEHAVIOUR');
  await tenantSql(manager, clientId).insert('customer_attribute', [
    {
      customer_id: customerId,
      id: identity.id,
      sealed_behaviour: seal(subjectKey, { key, value: openedValue(row, subjectKey) }, context),
      key_index: attributeKeyIndex(indexKey, customerId, key),
    },
  ]);
}

async function keysOf(keys: KeyStore, client: string, rows: readonly PlainAttribute[]): Promise<Map<string, Buffer>> {
  try {
    return await keys.subjectKeys(client, [...new Set(rows.map(({ customer_id }) => customer_id))]);
  } catch (error) {
    if (error instanceof ClientKeyError) return new Map();
    throw error;
  }
}

/** The value of an old row. It was sealed for a row with the plain key. */
function openedValue({ client_id, customer_id, key, sealed_behaviour }: PlainAttribute, subjectKey: Buffer): unknown {
  if (sealed_behaviour === null) return null;
  try {
    const context = `customer_attribute|BEHAVIOUR|${client_id}|${customer_id}|${key}`;
    return (unseal(subjectKey, sealed_behaviour, context) as { value?: unknown }).value ?? null;
  } catch (error) {
    if (error instanceof UnsealError) return null;
    throw error;
  }
}
