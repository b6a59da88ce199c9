import { v7 as uuid } from 'uuid';
import { tenantEntities } from '../../src/entities';
import type { EntityClass } from '../../src/storage/entity-class';
import { inTransaction } from '../../src/storage/transaction';
import { PostalAddress } from '../../src/subjects/postal-address';
import type { Row } from '../../src/tenancy/tenant-reader';
import type { StoredField, TenantTable } from '../../src/tenancy/tenant-table';
import { declaredFields, tableOf } from '../../src/tenancy/tenant-table';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import { CANARY } from '../erasure/people';
import type { TestApp } from '../support/app';

const at = Date.parse('2025-05-17T10:00:00Z');

/** A client hosted in the EU with one row in each table that a client can have, and something in each of its fields. */
export async function plantEverything({ stores }: TestApp): Promise<string> {
  const { regions, keys } = stores;
  const ids = { client: uuid(), CUSTOMER: uuid(), CLIENT_USER: uuid() };
  await keys.createClientKey(ids.client);
  await keys.createSubjectKeys(ids.client, [ids.CUSTOMER, ids.CLIENT_USER]);
  const insert = async (entity: EntityClass) => {
    const table = tableOf(entity);
    const place = table.name === 'client' ? regions.home : regions.at('EU');
    const row = rowOf(table, ids);
    // Nothing of a table about no person is sealed; and the writer takes no key that is a number.
    if (!table.subject) await place.getRepository(entity).insert({ ...row, clientId: ids.client });
    else await inTransaction(place, (manager) => new TenantWriter(manager, keys).insert(entity, ids.client, [row]));
  };
  for (const entity of tenantEntities) if (!writtenByTheirModule.has(tableOf(entity).name)) await insert(entity);
  return ids.client;
}

/** Their rows are not the writer's to make: the export at hand has some, and one names a secret. */
const writtenByTheirModule = new Set(['job', 'client_export', 'export_chunk', 'identifier_move']);

function rowOf(table: TenantTable, ids: Record<string, string>): Row {
  const row: Row = {};
  for (const property of table.key) row[property] = uuid();
  for (const field of table.fields.values())
    if (!('within' in field.stored)) row[field.property] = fillerOf(table, field);
  if (table.subject) row[table.subject.id] = ids[table.subject.kind];
  return row;
}

function fillerOf({ name }: TenantTable, { property, stored }: StoredField): unknown {
  if (name === 'client' && property === 'region') return 'EU';
  if (property === 'residency') return 'DE';
  if (property === 'postalAddress') {
    return Object.fromEntries([...declaredFields(PostalAddress).keys()].map((key) => [key, `${CANARY} ${key}`]));
  }
  if (!('plain' in stored)) return `${CANARY} ${property}`;
  const { plain } = stored;
  if (typeof plain === 'object') {
    const text = `${name} ${property}`;
    return 'list' in plain ? [text.slice(0, plain.list)] : text.slice(0, plain.text);
  }
  return { id: uuid(), instant: at, amount: 12.5, count: 3, size: 4, bytes: null }[plain];
}
