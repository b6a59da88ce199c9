import type { KeyStore } from '../storage/key-store';
import type { Regions } from '../storage/regions';
import { tableOf } from '../storage/tables';
import { type Condition, type Row, TenantReader } from '../storage/tenant-reader';
import { TenantWriter } from '../storage/tenant-writer';
import { inTransaction, isDuplicate } from '../storage/transaction';
import { ClientNotice } from './client-notice';

export interface Notice {
  /** The same id to the same client is the same notice: it is sent once. */
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
}

/** Notices to clients, kept where the client's data is. */
export class Notices {
  readonly #regions: Regions;
  readonly #keys: KeyStore;

  constructor(regions: Regions, keys: KeyStore) {
    this.#regions = regions;
    this.#keys = keys;
  }

  /** Sends a notice, unless the client has it already. */
  async send(client: string, { id, kind, subject, message }: Notice): Promise<void> {
    const row = { id, kind, subject: subject.slice(0, 200), message: message.slice(0, 2000), sentAt: new Date() };
    const source = await this.#regions.of(client);
    try {
      await inTransaction(source, (manager) =>
        new TenantWriter(manager, this.#keys).insert(ClientNotice, client, [row]),
      );
    } catch (error) {
      if (!isDuplicate(error)) throw error;
    }
  }

  /** Newest first, from before an id. */
  async list(client: string, limit: number, before: string | undefined): Promise<Row[]> {
    const where: Condition[] = before === undefined ? [] : [{ field: 'id', is: '<', value: before }];
    return new TenantReader(await this.#regions.of(client), this.#keys).select(ClientNotice, {
      client,
      fields: tableOf(ClientNotice).fields.keys(),
      where,
      orderBy: [{ field: 'id', descending: true }],
      limit,
    });
  }
}
