import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { AuditKind } from '../../identity/audit-kinds';
import { type ChangeRecorder, changing } from '../../identity/change-recorder';
import { denied } from '../../identity/request-context';
import type { OnScheduled } from '../../jobs/due-work';
import type { KeyStore } from '../../keys/key-store';
import { PLATFORM } from '../../keys/platform-key';
import { DAY_MS } from '../../law/calendar';
import { faultOfUrl } from '../../outbound/urls';
import { decidedRow, goneRow } from '../../storage/decided-row';
import type { Regions } from '../../storage/regions';
import { inTransaction } from '../../storage/transaction';
import { TenantReader } from '../../tenancy/tenant-reader';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { unsentTo } from './undelivered';
import {
  type DeliveryStatus,
  type EndpointKind,
  WebhookDeliveryRow,
  WebhookEndpointRow,
  type WebhookRecipientKind,
} from './webhook-rows';
import type { WebhookSecrets } from './webhook-secrets';

export interface WebhookRecipient {
  readonly kind: EndpointKind;
  readonly id: string;
  readonly name: string;
}

/** The delivery of an event to a recipient, with its result. */
export interface Delivery extends WebhookRecipient {
  readonly kind: WebhookRecipientKind;
  readonly delivery: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly notifiedAt: Date | null;
  readonly acknowledgedAt: Date | null;
}

export interface EndpointOwner {
  readonly kind: EndpointKind;
  readonly id: string;
}

/** What the audit entry of a delivery says. */
export interface Told {
  readonly event: string;
  readonly reference: string;
  readonly recipient_kind: string;
  readonly recipient_id: string;
}

interface Delivered extends Told {
  readonly endpoint_client: string | null;
  readonly endpoint_id: string | null;
}

/** Webhook endpoints, deliveries and acknowledgements (Standard Webhooks). */
export class Webhooks {
  /** Told of notices that will be due; set by who sends them in this process. */
  onScheduled: OnScheduled = () => undefined;
  readonly secrets: WebhookSecrets;
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #production: boolean;
  readonly #recorder: ChangeRecorder;

  constructor(
    regions: Regions,
    keys: KeyStore,
    { production, recorder, secrets }: { production: boolean; recorder: ChangeRecorder; secrets: WebhookSecrets },
  ) {
    this.#regions = regions;
    this.#keys = keys;
    this.secrets = secrets;
    this.#production = production;
    this.#recorder = recorder;
  }

  get production(): boolean {
    return this.#production;
  }

  /**
   * Registers the endpoint of an owner. It replaces an earlier one, whose secret may go on signing for some days where
   * the URL is the same.
   * @param client the client of the installation; PLATFORM for a sub-processor
   * @param principal who registers it
   * @returns the endpoint with its secret, which is shown only this once
   * @throws {GraphQLError} BAD_USER_INPUT
   */
  async register(
    client: string,
    owner: EndpointOwner,
    { url, lastSecretDays }: WebhookAddress,
    principal: string,
  ): Promise<{ id: string; secret: string }> {
    const fault = faultOfUrl(url, this.#production);
    if (fault) throw denied.input(`"url" ${fault}.`);
    const overlapMs = overlapOf(lastSecretDays ?? 0);
    const source = await this.#sourceOf(client);
    const replaced = await tenantSql(source, client).select<{ id: string; url: string; secret: string }>`
      SELECT id, url, secret FROM webhook_endpoint WHERE ${own} AND owner_id = ${owner.id}`;
    // Under its id queued notices find the endpoint, and its last secret opens.
    const kept = overlapMs > 0 ? replaced.find((last) => last.url === url) : undefined;
    const id = kept?.id ?? uuid();
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const createdAt = Date.now();
    const row = {
      ...{ id, kind: owner.kind, ownerId: owner.id, url, createdAt },
      secret: await this.secrets.seal(client, id, secret),
      formerSecret: kept?.secret ?? null,
      formerUntil: kept ? createdAt + overlapMs : null,
    };
    const gone = replaced.filter((last) => last.id !== id).map((last) => goneRow(WebhookEndpointRow, last));
    const change = {
      client: client === PLATFORM ? undefined : client,
      principal,
      details: { record: id, recipientKind: owner.kind, recipient: owner.id, host: new URL(url).host },
      decides: [...gone, decidedRow(WebhookEndpointRow, row)],
    };
    await changing(this.#recorder, 'WEBHOOK_REGISTERED', change, () =>
      inTransaction(source, async (manager) => {
        await tenantSql(manager, client).change`DELETE FROM webhook_endpoint WHERE ${own} AND owner_id = ${owner.id}`;
        await new TenantWriter(manager, this.#keys).insert(WebhookEndpointRow, client, [row]);
      }),
    );
    return { id, secret };
  }

  /**
   * Queues an event for recipients, in the caller's transaction. Recipients without an endpoint are listed too, because
   * somebody has to notify them. A recipient gets each event once.
   */
  async queue(
    manager: EntityManager,
    client: string,
    event: string,
    reference: string,
    recipients: ReadonlyArray<WebhookRecipient & { endpoint: { client: string; id: string } | undefined }>,
  ): Promise<void> {
    if (recipients.length === 0) return;
    this.onScheduled(manager.dataSource, Date.now());
    const known = await tenantSql(manager, client).select<{
      recipient_id: string;
    }>`SELECT recipient_id FROM webhook_delivery WHERE ${own} AND reference = ${reference}`;
    const told = new Set(known.map(({ recipient_id }) => recipient_id));
    const rows = recipients
      .filter(({ id }) => !told.has(id))
      .map(({ kind, id, name, endpoint }) => ({
        id: uuid(),
        event,
        reference,
        recipientKind: kind,
        recipientId: id,
        recipientName: name,
        endpointClient: endpoint?.client ?? null,
        endpointId: endpoint?.id ?? null,
        status: endpoint ? 'QUEUED' : 'NO_ENDPOINT',
        attempts: 0,
        nextAt: Date.now(),
      }));
    await new TenantWriter(manager, this.#keys).insert(WebhookDeliveryRow, client, rows);
  }

  /**
   * Queues an event for the client's own endpoint, if it has one, in the caller's transaction. It takes the place of an
   * earlier one with the same reference.
   */
  async queueForClient(manager: EntityManager, client: string, event: string, reference: string): Promise<void> {
    const [endpoint] = await tenantSql(manager, client).select<{ id: string }>`
      SELECT id FROM webhook_endpoint WHERE ${own} AND owner_id = ${client}`;
    if (!endpoint) return;
    await tenantSql(manager, client).change`
      DELETE FROM webhook_delivery WHERE ${own} AND reference = ${reference} AND recipient_id = ${client}`;
    const to = { kind: 'CLIENT', id: client, name: 'the client', endpoint: { client, id: endpoint.id } } as const;
    await this.queue(manager, client, event, reference, [to]);
  }

  /** Endpoints of the platform and of a client, by their owner's id. */
  async endpoints(client: string): Promise<Map<string, { client: string; id: string }>> {
    const found = new Map<string, { client: string; id: string }>();
    for (const owner of [PLATFORM, client]) {
      const source = await this.#sourceOf(owner);
      const rows = await tenantSql(source, owner).select<{
        id: string;
        owner_id: string;
      }>`SELECT id, owner_id FROM webhook_endpoint WHERE ${own}`;
      for (const row of rows) found.set(row.owner_id, { client: owner, id: row.id });
    }
    return found;
  }

  async deliveries(client: string, reference: string): Promise<Delivery[]> {
    const rows = await new TenantReader(await this.#regions.of(client), this.#keys).select(WebhookDeliveryRow, {
      client,
      fields: ['recipientKind', 'recipientId', 'recipientName', 'status', 'attempts', 'notifiedAt', 'acknowledgedAt'],
      where: [{ field: 'reference', is: '=', value: reference }],
      orderBy: [{ field: 'recipientName' }],
    });
    const ofRecipients = rows.filter(({ recipientKind }) => recipientKind !== 'CLIENT');
    return ofRecipients.map((row) => ({
      delivery: String(row.id),
      kind: row.recipientKind as WebhookRecipientKind,
      id: String(row.recipientId),
      name: String(row.recipientName),
      status: row.status as DeliveryStatus,
      attempts: Number(row.attempts),
      notifiedAt: (row.notifiedAt ?? null) as Date | null,
      acknowledgedAt: (row.acknowledgedAt ?? null) as Date | null,
    }));
  }

  /**
   * Queues notices again that were given up, or whose recipient had no endpoint, where it has one now.
   * @param reference only notices about this
   * @returns how many
   */
  async revive(client: string, reference?: string): Promise<number> {
    const source = await this.#regions.of(client);
    let revived = 0;
    for (const [owner, endpoint] of await this.endpoints(client)) {
      for (;;) {
        const ids = await unsentTo(source, client, owner, reference, REVIVED_AT_ONCE);
        if (ids.length === 0) break;
        this.onScheduled(source, Date.now());
        revived += await inTransaction(
          source,
          (manager) => tenantSql(manager, client).change`
            UPDATE webhook_delivery
            SET status = 'QUEUED', attempts = 0, fault = NULL, next_at = ${Date.now()},
            endpoint_client = ${endpoint.client}, endpoint_id = ${endpoint.id}
            WHERE ${own} AND id IN (${ids}) AND status IN ('DEAD', 'NO_ENDPOINT')`,
        );
      }
    }
    return revived;
  }

  /** The URL of an endpoint, its secret, and for a while the one before it. */
  async endpoint(client: string, id: string): Promise<{ url: string; secrets: WebhookSecretList } | undefined> {
    const source = await this.#sourceOf(client);
    const [row] = await tenantSql(source, client).select<{
      url: string;
      secret: string;
      former_secret: string | null;
      former_until: number | null;
    }>`SELECT url, secret, former_secret, former_until FROM webhook_endpoint WHERE ${own} AND id = ${id}`;
    if (!row) return undefined;
    const secret = await this.secrets.open(client, id, row.secret);
    const isOver = row.former_secret === null || Number(row.former_until) <= Date.now();
    const former = isOver ? [] : [await this.secrets.open(client, id, row.former_secret ?? '')];
    return { url: row.url, secrets: [secret, ...former] };
  }

  /**
   * Accepts a recipient's acknowledgement. It is a message with a type and id of its own that names the client and the
   * delivery, and is signed with the endpoint's secret (Standard Webhooks). It counts once. Echoes of the notice,
   * acknowledgements of notices that were never sent, and repetitions are refused.
   * @returns the event's reference, or undefined when it is refused, for whatever reason
   */
  async acknowledge(
    body: string,
    headers: Record<string, string>,
  ): Promise<{ client: string; reference: string } | undefined> {
    const said = parseAcknowledgement(body);
    if (!said || headers['webhook-id'] === messageIdOf(said.delivery)) return undefined;
    const source = await this.#regions.of(said.client);
    const [row] = await tenantSql(source, said.client).select<Delivered>`
      SELECT event, reference, recipient_kind, recipient_id, endpoint_client, endpoint_id FROM webhook_delivery
      WHERE ${own} AND id = ${said.delivery} AND attempts > 0 AND acknowledged_at IS NULL`;
    if (!row?.endpoint_client || !row.endpoint_id || said.type !== acknowledgementOf(row.event)) return undefined;
    const endpoint = await this.endpoint(row.endpoint_client, row.endpoint_id);
    if (!endpoint) return undefined;
    if (!endpoint.secrets.some((secret) => isSignedBy(secret, body, headers))) return undefined;
    await this.tell('WEBHOOK_ACKNOWLEDGED', said.client, said.delivery, row);
    const counted = await inTransaction(
      source,
      (manager) =>
        tenantSql(manager, said.client).change`
          UPDATE webhook_delivery
          SET status = 'ACKNOWLEDGED', acknowledged_at = ${Date.now()}, notified_at = COALESCE(notified_at,
          ${Date.now()})
          WHERE ${own} AND id = ${said.delivery} AND acknowledged_at IS NULL`,
    );
    return counted === 0 ? undefined : { client: said.client, reference: row.reference };
  }

  /** Records the result of a notice: delivered, acknowledged, or undeliverable. */
  async tell(kind: AuditKind, client: string, delivery: string, of: Told, fault: string | null = null): Promise<void> {
    const details = {
      delivery,
      event: of.event,
      reference: of.reference,
      recipientKind: of.recipient_kind,
      recipient: of.recipient_id,
      fault,
    };
    await this.#recorder.record(kind, { client, principal: 'webhooks', details });
  }

  async #sourceOf(owner: string): Promise<DataSource> {
    return owner === PLATFORM ? this.#regions.home : this.#regions.of(owner);
  }
}

/** Notices in one transaction. */
const REVIVED_AT_ONCE = 500;

/** The secret that signs first, and the one before it. */
export type WebhookSecretList = readonly [secret: string, ...former: string[]];

interface WebhookAddress {
  readonly url: string;
  readonly lastSecretDays?: number | null;
}

const LONGEST_OVERLAP_DAYS = 30;

function overlapOf(days: number): number {
  if (days >= 0 && days <= LONGEST_OVERLAP_DAYS) return days * DAY_MS;
  throw denied.input(`"lastSecretDays" must be from 0 to ${LONGEST_OVERLAP_DAYS}.`);
}

function isSignedBy(secret: string, body: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

/** The message id of a notice. Its acknowledgement must have another one. */
export const messageIdOf = (delivery: string): string => `msg_${delivery}`;

/** The type of an event's acknowledgement: for `erasure.requested` it is `erasure.acknowledged`. */
const acknowledgementOf = (event: string): string => event.replace(/\.[a-z]+$/, '.acknowledged');

function parseAcknowledgement(body: string): { type: string; client: string; delivery: string } | undefined {
  try {
    const { type, data } = JSON.parse(body) as { type?: unknown; data?: { client?: unknown; delivery?: unknown } };
    if (typeof type !== 'string' || typeof data?.client !== 'string' || typeof data.delivery !== 'string') {
      return undefined;
    }
    return { type, client: data.client, delivery: data.delivery };
  } catch {
    return undefined;
  }
}
