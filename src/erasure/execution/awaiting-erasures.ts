import type { DataSource } from 'typeorm';
import type { Jobs } from '../../jobs/jobs';
import type { Regions } from '../../storage/regions';
import { inTransaction } from '../../storage/transaction';
import { acrossClients, limitOf, own, tenantSql } from '../../tenancy/tenant-sql';
import type { KeyFinality } from '../records/key-finality';

/** Erasures of a client that await the end of the same epoch. */
interface Waiting {
  readonly epoch: number;
  readonly client: string;
}

/** What the waking of erasures needs. */
export interface AwaitingErasureServices {
  readonly regions: Regions;
  readonly jobs: Jobs;
  readonly finality: KeyFinality;
  readonly now: () => number;
}

const CLIENTS_PAGE = 1_000;
const PAGE = 500;

/** Erasures that await the end of an epoch. They are found by an index on the status and the epoch. */
export class AwaitingErasures {
  readonly #services: AwaitingErasureServices;

  constructor(services: AwaitingErasureServices) {
    this.#services = services;
  }

  /**
   * Has those carried on whose epoch has ended, also where a key service keeps its root for some days: they note until
   * when.
   * @returns how many there are
   */
  async wake(): Promise<number> {
    const { regions, finality } = this.#services;
    let woken = 0;
    for (const source of regions.all()) {
      for await (const { client, epoch } of waitingIn(source)) {
        const ending = await finality.of(client, { epoch });
        if (ending.isFinal || ending.finalAt !== null) woken += await this.#wake(source, client, epoch);
      }
    }
    return woken;
  }

  async #wake(source: DataSource, client: string, epoch: number): Promise<number> {
    const { jobs, now } = this.#services;
    let woken = 0;
    for (let after = ''; ; ) {
      const page = await tenantSql(source, client).select<{ id: string }>`
        SELECT id FROM erasure_request WHERE ${own} AND status = 'AWAITING_EPOCH' AND final_at IS NULL
        AND key_epoch = ${epoch} AND id > ${after} ORDER BY id LIMIT ${limitOf(PAGE)}`;
      const ids = page.map(({ id }) => id);
      await inTransaction(source, (manager) => jobs.schedule(manager, client, ids, now()));
      woken += ids.length;
      const last = ids.at(-1);
      if (last === undefined || ids.length < PAGE) return woken;
      after = last;
    }
  }
}

async function* waitingIn(source: DataSource): AsyncGenerator<Waiting> {
  for (let last: Waiting = { epoch: 0, client: '' }; ; ) {
    const rows = await acrossClients(source).select<{ key_epoch: number; client_id: string }>`
      SELECT key_epoch, client_id FROM erasure_request WHERE status = 'AWAITING_EPOCH' AND final_at IS NULL
      AND (key_epoch > ${last.epoch} OR (key_epoch = ${last.epoch} AND client_id > ${last.client}))
      GROUP BY key_epoch, client_id ORDER BY key_epoch, client_id LIMIT ${limitOf(CLIENTS_PAGE)}`;
    const page = rows.map(({ key_epoch, client_id: client }) => ({ epoch: Number(key_epoch), client }));
    yield* page;
    const end = page.at(-1);
    if (!end || page.length < CLIENTS_PAGE) return;
    last = end;
  }
}
