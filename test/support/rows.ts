import { v7 as uuid } from 'uuid';
import { inTransaction } from '../../src/storage/transaction';
import { Customer } from '../../src/subjects/customer';
import type { Row } from '../../src/tenancy/tenant-reader';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import type { TestApp } from './app';

type Entity = abstract new (...args: never[]) => object;

/** Inserts rows of a client as the product does. */
export async function insertRows(app: TestApp, client: string, entity: Entity, rows: readonly Row[]): Promise<void> {
  const source = await app.stores.regions.of(client);
  await inTransaction(source, (manager) => new TenantWriter(manager, app.stores.keys).insert(entity, client, rows));
}

/** Inserts a customer with a key of their own. @returns the id */
export async function insertCustomer(app: TestApp, client: string, fields: Row = {}): Promise<string> {
  const id = uuid();
  await app.stores.keys.createSubjectKeys(client, [id]);
  await insertRows(app, client, Customer, [{ createdAt: new Date(), source: 'test', ...fields, id }]);
  return id;
}
