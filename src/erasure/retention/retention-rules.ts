import type { DataSource } from 'typeorm';
import type { DataCategory } from '../../governance/vocabulary';
import { type ChangeRecorder, changing } from '../../identity/change-recorder';
import { denied } from '../../identity/request-context';
import type { KeyStore } from '../../keys/key-store';
import { DAY_MS } from '../../law/calendar';
import { decidedRow, goneRow } from '../../storage/decided-row';
import type { Regions } from '../../storage/regions';
import { inTransaction } from '../../storage/transaction';
import { acrossClients, own, tenantSql } from '../../tenancy/tenant-sql';
import type { TenantTable } from '../../tenancy/tenant-table';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { type BulkFiling, fileInBulk } from '../requests/bulk-filing';
import type { ErasureFiling } from '../requests/filing';
import { outlived } from './outlived';
import { beginning, byClient, PeopleByAge, placeIn, placeOf, WHOLE_PERSON } from './people-by-age';
import { RetentionRuleRow } from './retention-rule';

/** The most people that one part of a sweep looks at. */
const LOOK_LIMIT = 50_000;

export interface RetentionRule {
  /** null is the whole person. */
  readonly category: DataCategory | null;
  readonly days: number;
  readonly setAt: Date;
}

export interface RetentionDue extends RetentionRule {
  readonly client: string;
  /** People without activity since then. */
  readonly cutoff: Date;
  readonly customers: number;
}

/** What retention needs. */
export interface RetentionServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly filing: ErasureFiling;
  readonly tables: readonly TenantTable[];
  readonly now: () => number;
}

/** Retention rules. A category, or the whole person, is erased when there was no activity for the time of its rule. */
export class RetentionRules {
  readonly #services: RetentionServices;

  constructor(services: RetentionServices) {
    this.#services = services;
  }

  /** @param days null removes the rule @throws {GraphQLError} BAD_USER_INPUT */
  async set(
    actor: { client: string; principal: string },
    category: DataCategory | null,
    days: number | null,
  ): Promise<RetentionRule[]> {
    if (days !== null && !(Number.isInteger(days) && days >= 1 && days <= 36_500)) {
      throw denied.input('"days" must be a whole number from 1 to 36500, or null for no rule.');
    }
    const scope = category ?? WHOLE_PERSON;
    const row = { scope, days, setBy: actor.principal, setAt: this.#services.now() };
    const decides = [days === null ? goneRow(RetentionRuleRow, row) : decidedRow(RetentionRuleRow, row)];
    const source = await this.#services.regions.of(actor.client);
    const change = { ...actor, details: { record: scope, days }, decides };
    await changing(this.#services.recorder, 'RETENTION_SET', change, () =>
      inTransaction(source, async (manager) => {
        await tenantSql(manager, actor.client).change`DELETE FROM retention_rule WHERE ${own} AND scope = ${scope}`;
        if (days === null) return;
        await new TenantWriter(manager, this.#services.keys).insert(RetentionRuleRow, actor.client, [row]);
      }),
    );
    return this.of(actor.client);
  }

  async of(client: string): Promise<RetentionRule[]> {
    const source = await this.#services.regions.of(client);
    return (await this.#rules(source)).filter((rule) => rule.client === client);
  }

  /** What the sweep would request now. */
  async preview(client?: string): Promise<RetentionDue[]> {
    const due: RetentionDue[] = [];
    for (const [source, rule] of await this.#all(client)) {
      const cutoff = this.#services.now() - rule.days * DAY_MS;
      const people = outlived(this.#services.tables, rule.category, cutoff);
      const [row] = await tenantSql(source, rule.client).select<{ n: number }>`SELECT COUNT(*) AS n ${people}`;
      due.push({ ...rule, cutoff: new Date(cutoff), customers: Number(row?.n ?? 0) });
    }
    return due;
  }

  /**
   * Requests erasures by the rules, of everybody. A failure with one rule or person does not stop the others.
   * @returns how many
   */
  async sweep(onFailure: (error: unknown) => void = () => undefined): Promise<number> {
    let filed = 0;
    for (let place: string | undefined; ; ) {
      const step = await this.sweepFrom(place, onFailure);
      filed += step.filed;
      place = step.place;
      if (place === undefined) return filed;
    }
  }

  /**
   * A part of a sweep, which looks at no more people than its limit. Of each rule it looks at those alone whose term
   * can have come, by their time of creation, and at nobody twice.
   * @param place where the last part ended; undefined at the beginning
   * @returns how many erasures were requested, and where the next part begins; undefined after the last
   */
  async sweepFrom(
    place: string | undefined,
    onFailure: (error: unknown) => void,
    limit = LOOK_LIMIT,
  ): Promise<{ readonly filed: number; readonly place: string | undefined }> {
    const from = placeIn(place);
    const step = { looked: 0, filed: 0 };
    for (const [source, rule] of await this.#all()) {
      const order = from ? byClient(rule, from) : 1;
      if (order < 0) continue;
      const people = new PeopleByAge(from && order === 0 ? from.age : beginning);
      if (step.looked >= limit) return { filed: step.filed, place: placeOf(rule, people.last) };
      try {
        const { requested, failed } = await this.#file(source, rule, people, limit - step.looked);
        step.filed += requested;
        for (const { error } of failed) onFailure(error);
      } catch (error) {
        onFailure(error);
      }
      step.looked += people.looked;
      if (people.isCut) return { filed: step.filed, place: placeOf(rule, people.last) };
    }
    return { filed: step.filed, place: undefined };
  }

  #file(
    source: DataSource,
    rule: RetentionRule & { client: string },
    people: PeopleByAge,
    limit: number,
  ): Promise<BulkFiling> {
    const cutoff = this.#services.now() - rule.days * DAY_MS;
    const isOutlived = outlived(this.#services.tables, rule.category, cutoff);
    async function* pages() {
      for await (const ids of people.pages(tenantSql(source, rule.client), cutoff, limit)) {
        const rows = await tenantSql(source, rule.client).select<{ id: string }>`
          SELECT c.id AS id ${isOutlived} AND c.id IN (${ids})`;
        if (rows.length > 0) yield rows.map(({ id }) => id);
      }
    }
    const filing = {
      principal: 'retention',
      role: 'RETENTION',
      grounds: 'NO_LONGER_NECESSARY' as const,
      categories: rule.category === null ? null : [rule.category],
    };
    return fileInBulk(this.#services.filing, rule.client, filing, pages());
  }

  async #all(client?: string): Promise<Array<[DataSource, RetentionRule & { client: string }]>> {
    const found: Array<[DataSource, RetentionRule & { client: string }]> = [];
    for (const source of this.#services.regions.all()) {
      for (const rule of await this.#rules(source)) if (!client || rule.client === client) found.push([source, rule]);
    }
    return found.sort(([, a], [, b]) => byClient(a, b));
  }

  async #rules(source: DataSource): Promise<Array<RetentionRule & { client: string }>> {
    const rows = await acrossClients(source).select<{
      client_id: string;
      scope: string;
      days: number;
      set_at: number;
    }>`SELECT client_id, scope, days, set_at FROM retention_rule ORDER BY client_id, scope`;
    return rows.map((row) => ({
      client: row.client_id,
      category: row.scope === WHOLE_PERSON ? null : (row.scope as DataCategory),
      days: Number(row.days),
      setAt: new Date(Number(row.set_at)),
    }));
  }
}
