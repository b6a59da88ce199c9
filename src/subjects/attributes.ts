import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { attributeKeyIndex } from '../keys/blind-index';
import type { KeyStore } from '../keys/key-store';
import { TenantReader } from '../tenancy/tenant-reader';
import type { TenantWriter } from '../tenancy/tenant-writer';
import type { AttributeInput } from './customer-inputs';
import { CustomAttribute } from './related/custom-attribute';

interface Owner {
  readonly manager: EntityManager;
  readonly writer: TenantWriter;
  readonly keys: KeyStore;
  readonly client: string;
  readonly customerId: string;
}

/** Sets attributes of a customer; null removes one. Keys are sealed, so the key's blind index finds a row. */
export async function setAttributes(owner: Owner, attributes: readonly AttributeInput[]): Promise<void> {
  const { manager, writer, keys, client, customerId } = owner;
  const reader = new TenantReader(manager, keys);
  const indexKeys = await keys.derivedKeys(client, 'blind-index');
  for (const { key, value = null } of attributes) {
    const digests = indexKeys.all.map((indexKey) => attributeKeyIndex(indexKey, customerId, key));
    const [found] = await reader.select(CustomAttribute, {
      client,
      fields: [],
      where: [
        { field: 'customerId', is: '=', value: customerId },
        { index: 'key', is: 'in', value: digests },
      ],
    });
    if (found && value === null) await writer.remove(CustomAttribute, client, { customerId, id: found.id });
    else if (found) await writer.update(CustomAttribute, client, { customerId, id: found.id }, { value });
    else if (value !== null) await writer.insert(CustomAttribute, client, [{ id: uuid(), customerId, key, value }]);
  }
}
