import type { KeyStore } from '../keys/key-store';
import { failureOf } from '../storage/failures';
import type { Regions } from '../storage/regions';
import { inTransaction } from '../storage/transaction';
import type { Condition } from '../tenancy/conditions';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { ClientNotice } from './client-notice';
import type { Webhooks } from './webhooks/webhooks';

/** The message to a client's endpoint about a notice. */
export const NOTICE_EVENT = 'client.notice';

export interface Notice {
  /** A notice is sent once to a client for each id. */
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
}

/** Notices to clients. Stored with the client's data, and sent to the client's endpoint if it has one. */
export class Notices {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #webhooks: Webhooks | undefined;

  constructor(regions: Regions, keys: KeyStore, webhooks?: Webhooks) {
    this.#regions = regions;
    this.#keys = keys;
    this.#webhooks = webhooks;
  }

  /** Sends a notice, unless the client has it already. */
  async send(client: string, { id, kind, subject, message }: Notice): Promise<void> {
    const row = { id, kind, subject: subject.slice(0, 200), message: message.slice(0, 2000), sentAt: new Date() };
    const source = await this.#regions.of(client);
    const endpoint = (await this.#webhooks?.endpoints(client))?.get(client);
    try {
      await inTransaction(source, async (manager) => {
        await new TenantWriter(manager, this.#keys).insert(ClientNotice, client, [row]);
        if (!endpoint) return;
        const to = { kind: 'CLIENT', id: client, name: 'the client', endpoint } as const;
        await this.#webhooks?.queue(manager, client, NOTICE_EVENT, id, [to]);
      });
    } catch (error) {
      if (failureOf(error) !== 'DUPLICATE') throw error;
    }
  }

  /** The message to the client's endpoint. Undefined where the notice is gone. */
  async body(client: string, id: string): Promise<Record<string, unknown> | undefined> {
    const [row] = await new TenantReader(await this.#regions.of(client), this.#keys).select(ClientNotice, {
      client,
      fields: ['kind', 'subject', 'message', 'sentAt'],
      where: [{ field: 'id', is: '=', value: id }],
      limit: 1,
    });
    if (!row) return undefined;
    const { kind, subject, message, sentAt } = row;
    return { notice: id, kind, subject, message, sentAt };
  }

  /** Newest first, before an id. */
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
