import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type ChangeRecorder, changing } from '../../identity/change-recorder';
import type { KeyStore } from '../../keys/key-store';
import { PLATFORM, platformKey } from '../../keys/platform-key';
import { type KeyKind, RotatingKeys, type RotatingKeysOptions } from '../../keys/rotation/rotating-keys';
import { seal, unseal } from '../../keys/sealing';
import { decidedChange } from '../../storage/decided-row';
import { inTransaction } from '../../storage/transaction';
import { acrossClients, limitOf, own, tenantSql } from '../../tenancy/tenant-sql';
import { WebhookEndpointRow } from './webhook-rows';

const PAGE = 100;

/** A secret as an endpoint's row has it. */
interface SealedRow {
  readonly client_id: string;
  readonly id: string;
  readonly secret: string;
  readonly former_secret: string | null;
}

/** Seals the secrets of endpoints. */
export class WebhookSecrets {
  readonly rotating: RotatingKeys<Buffer>;

  constructor(source: DataSource, keys: KeyStore, options: RotatingKeysOptions = {}) {
    this.rotating = new RotatingKeys({ source, keys }, kindOf(keys), options);
  }

  /** A secret as it is stored: the number of the key that seals it, and the sealed bytes in base64. */
  async seal(client: string, id: string, secret: string): Promise<string> {
    const { record, key } = await this.rotating.current();
    const sealed = seal(key, secret, contextOf(client, id)).toString('base64');
    return record.number === 1 ? sealed : `${record.number}:${sealed}`;
  }

  async open(client: string, id: string, stored: string): Promise<string> {
    const key = await this.rotating.numbered(numberOf(stored));
    const sealed = Buffer.from(stored.slice(stored.indexOf(':') + 1), 'base64');
    return String(unseal(key, sealed, contextOf(client, id)));
  }

  /** Seals anew, under the key of now, what other keys have sealed in a database. */
  async sealAgain(source: DataSource, recorder: ChangeRecorder): Promise<number> {
    const { record } = await this.rotating.current();
    let sealed = 0;
    for (let after: SealedRow | undefined; ; ) {
      const { client_id: client, id } = after ?? { client_id: '', id: '' };
      const rows = await acrossClients(source).select<SealedRow>`
        SELECT client_id, id, secret, former_secret FROM webhook_endpoint
        WHERE client_id > ${client} OR (client_id = ${client} AND id > ${id})
        ORDER BY client_id, id LIMIT ${limitOf(PAGE)}`;
      for (const row of rows) if (await this.#sealRow(source, recorder, row, record.number)) sealed++;
      after = rows.at(-1);
      if (!after) return sealed;
    }
  }

  async #sealRow(
    source: DataSource,
    recorder: ChangeRecorder,
    { client_id: client, id, secret, former_secret: former }: SealedRow,
    number: number,
  ): Promise<boolean> {
    const anew = async (stored: string) =>
      numberOf(stored) === number ? stored : this.seal(client, id, await this.open(client, id, stored));
    const changes = { secret: await anew(secret), formerSecret: former === null ? null : await anew(former) };
    if (changes.secret === secret && changes.formerSecret === former) return false;
    const change = {
      client: client === PLATFORM ? undefined : client,
      principal: 'keys',
      details: { record: id, key: number },
      decides: [decidedChange(WebhookEndpointRow, { id }, changes)],
    };
    await changing(recorder, 'WEBHOOK_SEALED_AGAIN', change, () =>
      inTransaction(
        source,
        (manager) =>
          // One that was registered anew meanwhile is sealed under the key of now.
          tenantSql(manager, client).change`
            UPDATE webhook_endpoint SET secret = ${changes.secret}, former_secret = ${changes.formerSecret}
            WHERE ${own} AND id = ${id} AND secret = ${secret}`,
      ),
    );
    return true;
  }
}

function kindOf(keys: KeyStore): KeyKind<Buffer> {
  return {
    use: 'webhooks',
    make: async () => ({ id: uuid(), publicKey: null, secret: randomBytes(32).toString('base64') }),
    // The first one is derived, as it was before these keys were kept.
    first: async () => ({
      id: 'derived',
      publicKey: null,
      secret: (await platformKey(keys, 'webhook')).toString('base64'),
    }),
    open: async (secret) => Buffer.from(secret, 'base64'),
  };
}

/** The number of the key that sealed a stored secret. */
const numberOf = (stored: string): number => (stored.includes(':') ? Number.parseInt(stored, 10) : 1);

const contextOf = (client: string, id: string): string => `webhook-endpoint:${client}:${id}`;
