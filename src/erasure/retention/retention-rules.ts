import type { DataSource } from 'typeorm';
import type { DataCategory } from '../../governance/vocabulary';
import { type ChangeRecorder, changing } from '../../identity/change-recorder';
import { denied } from '../../identity/request-context';
import type { KeyStore } from '../../keys/key-store';
import { DAY_MS } from '../../law/calendar';
import { decidedRow, goneRow } from '../../storage/decided-row';
import { snakeCase } from '../../storage/entity-class';
import type { Regions } from '../../storage/regions';
import { inTransaction } from '../../storage/transaction';
import { UNDER_ERASURE } from '../../tenancy/fence';
import {
  acrossClients,
  joined,
  limitOf,
  name,
  nothing,
  own,
  ownOf,
  type Sql,
  sql,
  tenantSql,
} from '../../tenancy/tenant-sql';
import type { TenantTable } from '../../tenancy/tenant-table';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { categoriesOf, tablesAbout } from '../execution/plan';
import { type BulkFiling, fileInBulk, PAGE, pagesOf } from '../requests/bulk-filing';
import type { ErasureFiling } from '../requests/filing';
import { RetentionRuleRow } from './retention-rule';

/** The scope of a rule for whole people. */
const WHOLE_PERSON = 'PERSON';
const SWEEP_LIMIT = 50_000;

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
      const outlived = this.#outlived(rule, cutoff);
      const [row] = await tenantSql(source, rule.client).select<{ n: number }>`SELECT COUNT(*) AS n ${outlived}`;
      due.push({ ...rule, cutoff: new Date(cutoff), customers: Number(row?.n ?? 0) });
    }
    return due;
  }

  /** Requests erasures by the rules. A failure with one rule or person does not stop the others. @returns how many */
  async sweep(onFailure: (error: unknown) => void = () => undefined): Promise<number> {
    let filed = 0;
    for (const [source, rule] of await this.#all()) {
      try {
        const { requested, failed } = await this.#file(source, rule);
        filed += requested;
        for (const { error } of failed) onFailure(error);
      } catch (error) {
        onFailure(error);
      }
    }
    return filed;
  }

  #file(source: DataSource, rule: RetentionRule & { client: string }): Promise<BulkFiling> {
    const outlived = this.#outlived(rule, this.#services.now() - rule.days * DAY_MS);
    const pages = pagesOf(async (after) => {
      const rows = await tenantSql(source, rule.client).select<{ id: string }>`
        SELECT c.id AS id ${outlived} AND c.id > ${after} ORDER BY c.id LIMIT ${limitOf(PAGE)}`;
      return rows.map(({ id }) => id);
    });
    const filing = {
      principal: 'retention',
      role: 'RETENTION',
      grounds: 'NO_LONGER_NECESSARY' as const,
      categories: rule.category === null ? null : [rule.category],
    };
    return fileInBulk(this.#services.filing, rule.client, filing, pages, SWEEP_LIMIT);
  }

  /**
   * People without activity since the cutoff who have data of the rule's category.
   * @returns `FROM customer c WHERE …`
   */
  #outlived({ category }: RetentionRule, cutoff: number): Sql {
    const tables = tablesAbout(this.#services.tables, 'CUSTOMER').filter(({ name: table }) => !ownTables.has(table));
    const others = tables.filter(({ name: table }) => table !== 'customer');
    const lively = others.flatMap((table) =>
      instantsOf(table).map(
        (column) =>
          sql`
            AND NOT EXISTS (SELECT 1 FROM ${name(table.name)} t WHERE ${ofCustomer(table)}
            AND t.${name(column)} >= ${cutoff})`,
      ),
    );
    const holding = category === null ? [] : this.#holding(tables, category);
    const has = category === null ? nothing : sql`AND (${holding.length > 0 ? joined(holding, ' OR ') : sql`1 = 0`})`;
    return sql`
      FROM customer c WHERE ${ownOf('c')} AND (c.restriction IS NULL OR c.restriction <> ${UNDER_ERASURE})
      AND c.created_at < ${cutoff} ${joined(lively, ' ')} ${has}
      ${category === null ? nothing : unrequested(category)}`;
  }

  #holding(tables: readonly TenantTable[], category: DataCategory): Sql[] {
    return tables.flatMap((table) => {
      if (!categoriesOf(table).includes(category)) return [];
      if (table.name !== 'customer')
        return [sql`EXISTS (SELECT 1 FROM ${name(table.name)} t WHERE ${ofCustomer(table)})`];
      const column = table.sealed.get(category)?.column;
      return column ? [sql`c.${name(column)} IS NOT NULL`] : [];
    });
  }

  async #all(client?: string): Promise<Array<[DataSource, RetentionRule & { client: string }]>> {
    const found: Array<[DataSource, RetentionRule & { client: string }]> = [];
    for (const source of this.#services.regions.all()) {
      for (const rule of await this.#rules(source)) if (!client || rule.client === client) found.push([source, rule]);
    }
    return found;
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

/** Rows in erasure's own tables are no activity. */
const ownTables = new Set(['erasure_request', 'legal_hold']);

const unrequested = (category: DataCategory): Sql => sql`
  AND NOT EXISTS (SELECT 1 FROM erasure_request r
  WHERE r.client_id = c.client_id AND r.customer_id = c.id AND r.categories = ${category}
  AND r.status NOT IN ('CANCELLED', 'COMPLETED'))`;

const ofCustomer = (table: TenantTable): Sql =>
  sql`t.client_id = c.client_id AND t.${name(snakeCase(table.subject?.id ?? 'customerId'))} = c.id`;

/** Columns with the time of an activity. */
const instantsOf = (table: TenantTable): string[] =>
  [...table.fields.values()].flatMap(({ property, personal, stored }) =>
    personal && 'plain' in stored && stored.plain === 'instant' ? [snakeCase(property)] : [],
  );
