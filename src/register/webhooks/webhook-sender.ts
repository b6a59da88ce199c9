import type { DataSource } from 'typeorm';
import type { Due } from '../../jobs/due-work';
import { type Lease, Leases } from '../../jobs/leases';
import { OutboundError, send } from '../../outbound/http';
import { signedMessage } from '../../outbound/signed-message';
import type { Regions } from '../../storage/regions';
import { inTransaction } from '../../storage/transaction';
import { acrossClients, limitOf, own, sql, tenantSql } from '../../tenancy/tenant-sql';
import { messageIdOf, type Told, type Webhooks } from './webhooks';

/** Makes the body of an event when it is sent; undefined when there is nothing left to send. */
export type WebhookBody = (client: string, reference: string) => Promise<Record<string, unknown> | undefined>;

export interface SenderOptions {
  /** Milliseconds to wait before each further attempt. After the last one the notice is dead. */
  readonly backoffMs?: readonly number[];
  readonly timeoutMs?: number;
  /**
   * Notices on their way to one endpoint at the same time, in one process. So a slow endpoint delays only its own
   * notices.
   */
  readonly perEndpoint?: number;
  readonly now?: () => number;
  readonly onDead?: (notice: { endpoint: string; fault: string }) => void;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Eleven attempts within three and a half days, spaced as Standard Webhooks suggests. */
const BACKOFF = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
  24 * HOUR,
];

/** When the first notice of a database is due. */
export const firstNotice = sql`SELECT MIN(next_at) FROM webhook_delivery WHERE status = 'QUEUED'`;

interface Notice extends Told {
  readonly client_id: string;
  readonly id: string;
  readonly endpoint_client: string;
  readonly endpoint_id: string;
}

/** A notice that this process holds. */
interface Leased {
  readonly notice: Notice;
  readonly lease: Lease;
}

/** Sends queued notices. Several senders can run at the same time: each notice is leased until after its time limit. */
export class WebhookSender {
  readonly #regions: Regions;
  readonly #webhooks: Webhooks;
  readonly #bodies: ReadonlyMap<string, WebhookBody>;
  readonly #options: Required<Omit<SenderOptions, 'onDead'>> & Pick<SenderOptions, 'onDead'>;
  readonly #leases: Leases;
  readonly #underWay = new Map<string, number>();
  readonly #sending = new Set<Promise<void>>();

  constructor(
    regions: Regions,
    webhooks: Webhooks,
    bodies: ReadonlyMap<string, WebhookBody>,
    options: SenderOptions = {},
  ) {
    this.#regions = regions;
    this.#webhooks = webhooks;
    this.#bodies = bodies;
    this.#options = { backoffMs: BACKOFF, timeoutMs: 10_000, perEndpoint: 4, now: Date.now, ...options };
    const free = (at: number) => sql`status = 'QUEUED' AND next_at <= ${at}`;
    const { timeoutMs, now } = this.#options;
    this.#leases = new Leases({ name: 'webhook_delivery', until: ['next_at'], free }, timeoutMs * 2 + 1_000, now);
  }

  /**
   * Begins to send due notices, without waiting for the answers.
   * @param due knows where there are some; without it every queue is asked
   * @returns how many notices it began
   */
  async begin(due?: Due<'notice'>): Promise<number> {
    let begun = 0;
    for (const source of this.#regions.all()) {
      if (due && !(await due.isDue(source, 'notice'))) continue;
      const leases = await this.#lease(source, await this.#due(source));
      for (const leased of leases) this.#track(leased.notice.endpoint_id, this.#send(source, leased));
      if (leases.length > 0) due?.again(source);
      begun += leases.length;
    }
    return begun;
  }

  /** Waits for the answers to all notices on their way. */
  async settled(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  /** A few due notices of each endpoint, so that a long queue to one does not delay the others. */
  async #due(source: DataSource): Promise<Notice[]> {
    const now = this.#options.now();
    const rows = acrossClients(source);
    const lanes = await rows.select<{ endpoint_id: string }>`
      SELECT endpoint_id FROM webhook_delivery WHERE status = 'QUEUED'
      GROUP BY endpoint_id HAVING MIN(next_at) <= ${now}`;
    const notices: Notice[] = [];
    for (const { endpoint_id: endpoint } of lanes) {
      const free = this.#options.perEndpoint - (this.#underWay.get(endpoint) ?? 0);
      if (free <= 0) continue;
      const due = await rows.select<Notice>`
        SELECT client_id, id, event, reference, recipient_kind, recipient_id, endpoint_client, endpoint_id
        FROM webhook_delivery WHERE status = 'QUEUED' AND next_at <= ${now} AND endpoint_id = ${endpoint}
        ORDER BY next_at LIMIT ${limitOf(free)}`;
      notices.push(...due);
    }
    return notices;
  }

  async #lease(source: DataSource, due: readonly Notice[]): Promise<Leased[]> {
    const rows = due.map(({ client_id: client, id }) => ({ client, id }));
    const leases = await this.#leases.take(source, rows);
    return leases.flatMap((lease) => {
      const notice = due.find(({ client_id, id }) => client_id === lease.client && id === lease.id);
      return notice ? [{ notice, lease }] : [];
    });
  }

  #track(endpoint: string, sending: Promise<void>): void {
    this.#underWay.set(endpoint, (this.#underWay.get(endpoint) ?? 0) + 1);
    const done = sending.finally(() => {
      this.#sending.delete(done);
      const left = (this.#underWay.get(endpoint) ?? 1) - 1;
      if (left > 0) this.#underWay.set(endpoint, left);
      else this.#underWay.delete(endpoint);
    });
    this.#sending.add(done);
  }

  async #send(source: DataSource, leased: Leased): Promise<void> {
    let fault: string | undefined;
    try {
      fault = await this.#attempt(leased.notice);
    } catch (error) {
      fault = error instanceof OutboundError ? error.code : 'FAILED';
    }
    // When this fails, the lease ends by itself and the notice is sent again.
    await this.#record(source, leased, fault).catch(() => undefined);
  }

  /** @returns what went wrong */
  async #attempt(notice: Notice): Promise<string | undefined> {
    const endpoint = await this.#webhooks.endpoint(notice.endpoint_client, notice.endpoint_id);
    if (!endpoint) return 'ENDPOINT_GONE';
    const data = await this.#bodies.get(notice.event)?.(notice.client_id, notice.reference);
    if (!data) return 'NOTHING_TO_TELL';
    const message = {
      id: messageIdOf(notice.id),
      type: notice.event,
      at: new Date(this.#options.now()),
      data: { ...data, client: notice.client_id, delivery: notice.id },
    };
    const signed = signedMessage(message, endpoint.secrets);
    // An endpoint could be registered to reach addresses inside this network.
    const policy = {
      timeoutMs: this.#options.timeoutMs,
      maxBytes: 0,
      privateAddresses: !this.#webhooks.production,
    };
    const { status } = await send({ url: endpoint.url, method: 'POST', ...signed }, policy);
    return status >= 200 && status < 300 ? undefined : `HTTP_${status}`;
  }

  async #record(source: DataSource, { notice, lease }: Leased, fault: string | undefined): Promise<void> {
    const { client_id: client, id } = notice;
    const wait = this.#options.backoffMs[lease.attempts - 1];
    const isDead = fault !== undefined && wait === undefined;
    const status = fault === undefined ? 'NOTIFIED' : isDead ? 'DEAD' : 'QUEUED';
    // When this cannot be recorded, the notice is sent again.
    if (status !== 'QUEUED') {
      const kind = isDead ? 'WEBHOOK_UNDELIVERED' : 'WEBHOOK_DELIVERED';
      await this.#webhooks.tell(kind, client, id, notice, fault ?? null);
    }
    const now = this.#options.now();
    await inTransaction(source, async (manager) => {
      await lease.fence(manager);
      if (status === 'QUEUED') this.#webhooks.onScheduled(source, now + (wait ?? 0));
      await tenantSql(manager, client).change`
        UPDATE webhook_delivery
        SET status = ${status}, next_at = ${now + (wait ?? 0)}, lease_holder = NULL, fault = ${fault ?? null},
        notified_at = ${fault === undefined ? now : null}
        WHERE ${own} AND id = ${id} AND status = 'QUEUED'`;
    });
    if (isDead) this.#options.onDead?.({ endpoint: notice.endpoint_id, fault });
  }
}
