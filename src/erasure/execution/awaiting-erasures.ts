import type { DataSource } from 'typeorm';
import type { Jobs } from '../../jobs/jobs';
import type { Regions } from '../../storage/regions';
import { inTransaction } from '../../storage/transaction';
import { acrossClients, limitOf } from '../../tenancy/tenant-sql';
import type { KeyFinality } from '../records/key-finality';

/** Erasures of one epoch that await its end. */
interface Waiting {
  readonly epoch: number;
  /** When the first of their keys was deleted, in milliseconds since 1970. */
  readonly since: number;
}

interface Name {
  readonly client_id: string;
  readonly id: string;
}

const PAGE = 500;

/** Erasures that await the end of an epoch, of all clients. They are found by an index on the status and the epoch. */
export class AwaitingErasures {
  readonly #regions: Regions;
  readonly #jobs: Jobs;
  readonly #finality: KeyFinality;
  readonly #now: () => number;

  constructor(regions: Regions, jobs: Jobs, finality: KeyFinality, now: () => number) {
    this.#regions = regions;
    this.#jobs = jobs;
    this.#finality = finality;
    this.#now = now;
  }

  /**
   * Has those carried on whose epoch has ended.
   * @returns how many there are
   */
  async wake(): Promise<number> {
    let woken = 0;
    for (const source of this.#regions.all()) {
      for (const { epoch } of await waitingIn(source)) {
        if ((await this.#finality.of(epoch)).isFinal) woken += await this.#wakeThoseOf(source, epoch);
      }
    }
    return woken;
  }

  /** How long the one that waits longest has waited for an epoch that has not ended, in milliseconds. */
  async longestWaitMs(): Promise<number> {
    let since = Number.POSITIVE_INFINITY;
    for (const source of this.#regions.all()) {
      for (const waiting of await waitingIn(source)) {
        // A key service may keep a root that is destroyed for some days. Nobody can hasten that.
        const epoch = await this.#finality.epoch(waiting.epoch);
        if (epoch?.state !== 'ENDED') since = Math.min(since, waiting.since);
      }
    }
    return Math.max(0, this.#now() - since);
  }

  async #wakeThoseOf(source: DataSource, epoch: number): Promise<number> {
    let woken = 0;
    for (let last: Name = { client_id: '', id: '' }; ; ) {
      const page = await acrossClients(source).select<Name>`
        SELECT client_id, id FROM erasure_request WHERE status = 'AWAITING_EPOCH' AND key_epoch = ${epoch}
        AND (client_id > ${last.client_id} OR (client_id = ${last.client_id} AND id > ${last.id}))
        ORDER BY client_id, id LIMIT ${limitOf(PAGE)}`;
      const byClient = new Map<string, string[]>();
      for (const { client_id: client, id } of page) byClient.set(client, [...(byClient.get(client) ?? []), id]);
      for (const [client, ids] of byClient) {
        await inTransaction(source, (manager) => this.#jobs.schedule(manager, client, ids, this.#now()));
      }
      woken += page.length;
      const end = page.at(-1);
      if (!end || page.length < PAGE) return woken;
      last = end;
    }
  }
}

async function waitingIn(source: DataSource): Promise<Waiting[]> {
  const rows = await acrossClients(source).select<{ key_epoch: number; since: number }>`
    SELECT key_epoch, MIN(key_deleted_at) AS since FROM erasure_request
    WHERE status = 'AWAITING_EPOCH' GROUP BY key_epoch ORDER BY key_epoch`;
  return rows.map(({ key_epoch: epoch, since }) => ({ epoch: Number(epoch), since: Number(since) }));
}
