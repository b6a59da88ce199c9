import { GraphQLError } from 'graphql';
import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { References } from '../audit/recording/references';
import type { DataCategory } from '../governance/vocabulary';
import type { AuditKind } from '../identity/audit-kinds';
import { type ChangeRecorder, changing } from '../identity/change-recorder';
import { requireCountry, requireText } from '../identity/checks';
import { denied } from '../identity/request-context';
import type { KeyStore } from '../keys/key-store';
import { DAY_MS } from '../law/calendar';
import type { Notices } from '../register/notices';
import { type DecidedRow, decidedChange, decidedRow } from '../storage/decided-row';
import { listText } from '../storage/lists';
import type { Regions } from '../storage/regions';
import { inTransaction } from '../storage/transaction';
import { inSteps } from '../storage/write-outcome';
import { categoriesOf, everybody, lockPeople, type Reach } from '../subjects/reach';
import type { Condition } from '../tenancy/conditions';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { acrossClients, own, tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { isBarredByArticle48 } from './article-48';
import { Disclosure, DisclosureStatus, type RecordDisclosureInput } from './disclosure';

const MAX_SUBJECTS = 200;
const BEFORE_RECORDING_MS = DAY_MS;

/** What disclosures need. */
export interface DisclosureServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly references: References;
  readonly recorder: ChangeRecorder;
  readonly notices: Notices;
  readonly now?: () => number;
}

/**
 * Disclosures to authorities and others. Two people decide, the law limits them, and the client is notified (statement
 * S4).
 */
export class Disclosures {
  readonly #services: DisclosureServices;
  readonly #now: () => number;

  constructor(services: DisclosureServices) {
    this.#services = services;
    this.#now = services.now ?? Date.now;
  }

  /**
   * Records a requested disclosure. Another person must approve it before anything is disclosed.
   * @param reach whom the caller reaches for LEGAL. Barred, absent and out of reach have the same answer.
   * @throws {GraphQLError} BAD_USER_INPUT, or DISCLOSURE_BARRED (GDPR Art. 48)
   */
  async request(
    client: string,
    input: RecordDisclosureInput,
    principal: string,
    reach: Reach = everybody,
  ): Promise<Disclosure> {
    const authority = optional('authority', input.authority, 200);
    const authorityCountry = input.authorityCountry ? requireCountry('authorityCountry', input.authorityCountry) : null;
    const treaty = optional('treaty', input.treaty, 300);
    const customerIds = [...new Set(input.customerIds)];
    if (customerIds.length === 0 || customerIds.length > MAX_SUBJECTS) {
      throw denied.input(`"customerIds" must name 1 to ${MAX_SUBJECTS} persons.`);
    }
    if (input.categories.length === 0) throw denied.input('"categories" must name at least one.');
    const row = {
      clientId: client,
      id: uuid(),
      recipient: requireText('recipient', input.recipient, 200),
      authority,
      authorityCountry,
      legalBasis: requireText('legalBasis', input.legalBasis, 300),
      treaty,
      reference: requireText('reference', input.reference, 200),
      scope: requireText('scope', input.scope, 1000),
      categories: [...new Set(input.categories)],
      gagUntil: input.gagUntil ?? null,
      status: DisclosureStatus.REQUESTED,
      requestedBy: principal,
      requestedAt: new Date(this.#now()),
      decidedBy: null,
      decidedAt: null,
      refusal: null,
      toldAt: null,
    };
    const residencies = await this.#residencies(client, customerIds, input.categories, reach);
    if (!residencies || isBarredByArticle48({ authority, authorityCountry, treaty, residencies }, this.#now()))
      throw barred();
    const subjects = await this.#services.references.subjects(client, new Set(customerIds));
    const recorded = { ...row, subjects };
    const disclosure = disclosureOf(recorded);
    await this.#change('DISCLOSURE_REQUESTED', disclosure, principal, decidedRow(Disclosure, recorded), (writer) =>
      writer.insert(Disclosure, client, [recorded]),
    );
    return disclosure;
  }

  /**
   * Approves a disclosure, which makes it. The client is notified at once, or when the gag ends.
   * @throws {GraphQLError} NOT_FOUND, or CONFLICT when it is decided already, or the caller recorded it
   */
  async approve(client: string, id: string, principal: string): Promise<Disclosure> {
    return this.#decide(client, id, principal, { status: DisclosureStatus.MADE, refusal: null });
  }

  /** @throws {GraphQLError} NOT_FOUND, CONFLICT or BAD_USER_INPUT */
  async refuse(client: string, id: string, reason: string, principal: string): Promise<Disclosure> {
    const refusal = requireText('reason', reason, 500);
    return this.#decide(client, id, principal, { status: DisclosureStatus.REFUSED, refusal });
  }

  /** Disclosures of a client, newest first. @param asClient leaves out those under a gag */
  async list(client: string, asClient: boolean, limit: number, before?: string): Promise<Disclosure[]> {
    const told: Condition = {
      any: [
        { field: 'gagUntil', is: 'null' },
        { field: 'gagUntil', is: '<=', value: this.#now() },
      ],
    };
    const where: Condition[] = asClient ? [told] : [];
    if (before !== undefined) where.push({ field: 'id', is: '<', value: before });
    return this.#select(client, where, limit);
  }

  /**
   * Since when gags hide something from a client: one day before the first gag in force was recorded, because failed
   * attempts came before it. Milliseconds since 1970, or undefined when no gag is in force.
   */
  async gaggedSince(client: string): Promise<number | undefined> {
    const source = await this.#services.regions.of(client);
    const [row] = await tenantSql(source, client).select<{
      first: number | null;
    }>`SELECT MIN(requested_at) AS first FROM disclosure WHERE ${own} AND gag_until > ${this.#now()}`;
    return row?.first ? Number(row.first) - BEFORE_RECORDING_MS : undefined;
  }

  /** Notifies clients of disclosures whose gag has ended. @returns how many disclosures */
  async tellDue(): Promise<number> {
    let told = 0;
    for (const source of this.#services.regions.all()) {
      const due = await acrossClients(source).select<{ client_id: string; id: string }>`
        SELECT client_id, id FROM disclosure WHERE status = ${DisclosureStatus.MADE} AND told_at IS NULL
        AND (gag_until IS NULL OR gag_until <= ${this.#now()})`;
      for (const { client_id: client, id } of due) {
        const [disclosure] = await this.#select(client, [{ field: 'id', is: '=', value: id }], 1);
        if (!disclosure) continue;
        await this.#tell(disclosure);
        told++;
      }
    }
    return told;
  }

  async #decide(
    client: string,
    id: string,
    principal: string,
    decision: Pick<Disclosure, 'status' | 'refusal'>,
  ): Promise<Disclosure> {
    const [known] = id === '' ? [] : await this.#select(client, [{ field: 'id', is: '=', value: id }], 1);
    if (!known) throw denied.notFound('disclosure');
    if (known.status !== DisclosureStatus.REQUESTED) throw denied.conflict('It has been decided already.');
    if (known.requestedBy === principal) {
      throw denied.conflict('Whoever asked for a disclosure does not decide on it: another person must.');
    }
    const changes = { ...decision, decidedBy: principal, decidedAt: new Date(this.#now()) };
    const decided = { ...known, ...changes };
    const decides = decidedChange(Disclosure, { id }, changes);
    const decide = () =>
      this.#change(`DISCLOSURE_${decision.status}`, decided, principal, decides, async (writer) => {
        await writer.update(Disclosure, client, { id }, changes);
      });
    if (decided.status === DisclosureStatus.MADE && !this.#isGagged(decided)) {
      return inSteps(async () => {
        await decide();
        return this.#tell(decided);
      });
    }
    await decide();
    return decided;
  }

  async #tell(disclosure: Disclosure): Promise<Disclosure> {
    const { clientId, id, recipient, authority, legalBasis, reference, scope } = disclosure;
    const toldAt = new Date(this.#now());
    await this.#services.notices.send(clientId, {
      id,
      kind: 'DISCLOSURE_MADE',
      subject: `Data was disclosed to ${recipient}`,
      message:
        `To: ${[recipient, authority].filter(Boolean).join(', ')}. On: ${legalBasis}. File: ${reference}. ` +
        `What: ${scope}.`,
    });
    // During the gag the client's own entries did not mention it.
    const kind = disclosure.gagUntil === null ? 'DISCLOSURE_NOTIFIED' : 'DISCLOSURE_TOLD';
    const decides = decidedChange(Disclosure, { id }, { toldAt });
    await this.#change(kind, { ...disclosure, gagUntil: null }, 'disclosures', decides, async (writer) => {
      await writer.update(Disclosure, clientId, { id }, { toldAt });
    });
    return { ...disclosure, toldAt };
  }

  /** The entry of a gagged disclosure names no client: the client, who reads its own entries, must not find it. */
  async #change(
    kind: AuditKind,
    disclosure: Disclosure,
    principal: string,
    decides: DecidedRow,
    write: (writer: TenantWriter) => Promise<void>,
  ): Promise<void> {
    const { clientId, id, recipient, categories, authorityCountry, treaty } = disclosure;
    const change = {
      client: this.#isGagged(disclosure) ? undefined : clientId,
      principal,
      references: disclosure.subjects,
      details: {
        record: id,
        recipient,
        categories: listText(categories),
        country: authorityCountry,
        treaty: treaty !== null,
      },
      decides: [decides],
    };
    const source = await this.#services.regions.of(clientId);
    await changing(this.#services.recorder, kind, change, () =>
      inTransaction(source, (manager: EntityManager) => write(new TenantWriter(manager, this.#services.keys))),
    );
  }

  #isGagged({ gagUntil }: Pick<Disclosure, 'gagUntil'>): boolean {
    return gagUntil !== null && gagUntil.getTime() > this.#now();
  }

  /** Where the people reside; undefined when one of them is absent or out of reach. */
  async #residencies(
    client: string,
    ids: readonly string[],
    categories: readonly DataCategory[],
    reach: Reach,
  ): Promise<Array<string | null> | undefined> {
    const wanted = [...categoriesOf([]), ...categories];
    const source = await this.#services.regions.of(client);
    const people = await inTransaction(source, (manager) => lockPeople(manager, client, ids));
    // Without the id, so that no read is recorded: preparing a disclosure reads nothing yet, and a gag can forbid to
    // tell the client.
    const reached = people.filter(({ subject: _subject, ...state }) => reach.refusal(state, wanted) === undefined);
    return reached.length < ids.length ? undefined : reached.map(({ residency }) => residency);
  }

  async #select(client: string, where: Condition[], limit: number): Promise<Disclosure[]> {
    const rows = await new TenantReader(await this.#services.regions.of(client), this.#services.keys).select(
      Disclosure,
      {
        client,
        fields: tableOf(Disclosure).fields.keys(),
        where,
        orderBy: [{ field: 'id', descending: true }],
        limit,
      },
    );
    return rows.map((row) => disclosureOf({ ...row, clientId: client }));
  }
}

function disclosureOf(row: Row): Disclosure {
  const subjects = (row.subjects ?? []) as string[];
  return { ...row, categories: row.categories ?? [], subjects, subjectCount: subjects.length } as unknown as Disclosure;
}

function optional(field: string, text: string | null | undefined, limit: number): string | null {
  return text === null || text === undefined ? null : requireText(field, text, limit);
}

const barred = () =>
  new GraphQLError(
    'Every person must be a customer of the client whom you may read for LEGAL, and GDPR Art. 48 must not bar it: an ' +
      "order of a third country's court or authority about persons in the EEA is followed only on an international " +
      'agreement in force; name it in "treaty", or ask through it.',
    { extensions: { code: 'DISCLOSURE_BARRED', rule: 'GDPR Art. 48' } },
  );
