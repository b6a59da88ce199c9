import type { EntityManager } from 'typeorm';
import { isCategory, isPurpose } from '../governance/vocabulary';
import { bumpPolicy } from '../identity/policy-version';
import type { RecipientKind } from '../identity/recipient';
import { denied } from '../identity/request-context';
import type { KeyStore } from '../keys/key-store';
import { DAY_MS } from '../law/calendar';
import { type DecidedRow, decidedChange, decidedRow } from '../storage/decided-row';
import { failureOf } from '../storage/failures';
import type { Regions } from '../storage/regions';
import { chunksOf } from '../storage/sql';
import { inTransaction } from '../storage/transaction';
import type { Condition } from '../tenancy/conditions';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { own, tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { endedAt, type OfficerAction, type Side, type TransferEvent } from './approval-state';
import { TransferApproval, TransferEventRow, TransferSubject } from './transfer-approval';
import type { ApprovedTerms } from './transfer-table';

const IDS_PER_READ = 200;

/** A stored approval: its terms, which never change, and the acts of officers. */
export interface StoredApproval extends ApprovedTerms {
  readonly clientId: string;
  readonly recipientKind: RecipientKind;
  readonly recipientId: string;
  readonly assessment: string | null;
  readonly safeguards: readonly string[];
  readonly authorisation: string | null;
  readonly namedSubjects: number | null;
  readonly validFrom: number;
  readonly validUntil: number | null;
  readonly requestedBy: string;
  readonly requestedAt: number;
  readonly events: readonly TransferEvent[];
}

/** Clocks are set back at times. What ended no longer ago than this is still read, and decided by the clock. */
const ENDED_LATELY_MS = DAY_MS;

/** Stores approvals. Rows are only added; an act that ends an approval for good marks it as ended. */
export class ApprovalStore {
  readonly #regions: Regions;
  readonly #keys: KeyStore;

  constructor(regions: Regions, keys: KeyStore) {
    this.#regions = regions;
    this.#keys = keys;
  }

  /** A client's approvals, in the order of their requests. @param from a snapshot to read from */
  async all(client: string, from?: EntityManager): Promise<StoredApproval[]> {
    return this.#read(client, [], from);
  }

  /**
   * Those of a client's approvals that can be in force now or later: neither rejected nor revoked, nor long over. They
   * are found by an index, so that the cost does not grow with all that were ever asked for.
   */
  async standing(client: string, now: number, from: EntityManager): Promise<StoredApproval[]> {
    return this.#read(
      client,
      [
        { field: 'endedAt', is: 'null' },
        {
          any: [
            { field: 'validUntil', is: 'null' },
            { field: 'validUntil', is: '>', value: now - ENDED_LATELY_MS },
          ],
        },
      ],
      from,
    );
  }

  async find(client: string, id: string): Promise<StoredApproval | undefined> {
    if (id === '') return undefined;
    const [found] = await this.#read(client, [{ field: 'id', is: '=', value: id }]);
    return found;
  }

  /** Those of a client's approvals that are named. @param from a snapshot to read from */
  async some(client: string, ids: readonly string[], from: EntityManager): Promise<StoredApproval[]> {
    const found: StoredApproval[] = [];
    for (const chunk of chunksOf(ids, IDS_PER_READ))
      found.push(...(await this.#read(client, [{ field: 'id', is: 'in', value: chunk }], from)));
    return found;
  }

  /** How many acts each of a client's approvals has had: acts are only added, so that the number says what is new. */
  async actsOf(client: string, from: EntityManager): Promise<Map<string, number>> {
    const rows = await tenantSql(from, client).select<{ approval_id: string; acts: number }>`
      SELECT approval_id, COUNT(*) AS acts FROM transfer_event WHERE ${own} GROUP BY approval_id`;
    return new Map(rows.map(({ approval_id: id, acts }) => [id, Number(acts)]));
  }

  /** The rows that adding an approval or an act will write, for the ledger entry that is recorded first. */
  decisionsOf(approval: StoredApproval, events: readonly TransferEvent[] = approval.events): DecidedRow[] {
    const isNew = events === approval.events;
    const named = isNew ? [...(approval.subjects ?? [])] : [];
    const ended = isNew ? null : endedAt(events);
    return [
      ...(isNew ? [decidedRow(TransferApproval, rowOf(approval))] : []),
      ...(ended === null ? [] : [decidedChange(TransferApproval, approval, { endedAt: ended })]),
      ...events.map((event) => decidedRow(TransferEventRow, eventRow(approval.id, event))),
      ...named.map((subject) => ({ table: 'transfer_subject', row: approval.id, columns: {}, subject })),
    ];
  }

  /** Adds an approval with its first event. */
  async add(approval: StoredApproval): Promise<void> {
    const { clientId, subjects, events } = approval;
    await inTransaction(await this.#regions.of(clientId), async (manager) => {
      const writer = new TenantWriter(manager, this.#keys);
      await writer.insert(TransferApproval, clientId, [rowOf(approval)]);
      const named = [...(subjects ?? [])].map((customerId) => ({ customerId, approvalId: approval.id }));
      await writer.insert(TransferSubject, clientId, named);
      for (const event of events) await this.#insertEvent(manager, clientId, approval.id, event);
      await bumpPolicy(manager, clientId);
    });
  }

  /**
   * Appends an officer's act. The event's number is part of its key, so a concurrent act makes this one fail.
   * @throws {GraphQLError} CONFLICT
   */
  async append(client: string, approval: string, event: TransferEvent): Promise<void> {
    try {
      await inTransaction(await this.#regions.of(client), async (manager) => {
        await this.#insertEvent(manager, client, approval, event);
        const ended = endedAt([event]);
        if (ended !== null)
          await tenantSql(manager, client).change`
            UPDATE transfer_approval SET ended_at = ${ended} WHERE ${own} AND id = ${approval}`;
        await bumpPolicy(manager, client);
      });
    } catch (error) {
      if (failureOf(error) === 'DUPLICATE')
        throw denied.conflict('Somebody else decided on it just now; look at it again.');
      throw error;
    }
  }

  /** The countries where a client's customers live. null stands for customers without a recorded country. */
  async residencies(client: string): Promise<Array<string | null>> {
    const source = await this.#regions.of(client);
    const rows = await tenantSql(source, client).select<{ residency: string | null }>`
      SELECT DISTINCT residency FROM customer WHERE ${own} ORDER BY residency`;
    return rows.map(({ residency }) => residency);
  }

  #insertEvent(manager: EntityManager, client: string, approvalId: string, event: TransferEvent): Promise<void> {
    return new TenantWriter(manager, this.#keys).insert(TransferEventRow, client, [eventRow(approvalId, event)]);
  }

  async #read(client: string, where: Condition[], from?: EntityManager): Promise<StoredApproval[]> {
    const reader = new TenantReader(from ?? (await this.#regions.of(client)), this.#keys);
    const fields = tableOf(TransferApproval).fields.keys();
    const approvals = await reader.select(TransferApproval, { client, fields, where });
    // Sorted here: engines would read all that were ever asked for in the order of their ids.
    approvals.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
    const found: StoredApproval[] = [];
    for (const chunk of chunksOf(approvals, IDS_PER_READ)) {
      const ofThese: Condition = { field: 'approvalId', is: 'in', value: chunk.map(({ id }) => String(id)) };
      const events = await reader.select(TransferEventRow, {
        client,
        fields: tableOf(TransferEventRow).fields.keys(),
        where: [ofThese],
        orderBy: [{ field: 'approvalId' }, { field: 'sequence' }],
      });
      const narrowed = chunk.some(({ namedSubjects }) => namedSubjects !== null);
      const subjects = narrowed ? await reader.select(TransferSubject, { client, fields: [], where: [ofThese] }) : [];
      const [eventsOf, subjectsOf] = [grouped(events), grouped(subjects)];
      for (const row of chunk)
        found.push(storedOf(row, eventsOf.get(String(row.id)) ?? [], subjectsOf.get(String(row.id)) ?? []));
    }
    return found;
  }
}

const rowOf = (approval: StoredApproval): Row => ({
  ...approval,
  safeguards: approval.safeguards.join('\n'),
});

const eventRow = (approvalId: string, event: TransferEvent): Row => ({
  ...event,
  sequence: String(event.sequence).padStart(6, '0'),
  approvalId,
});

function grouped(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const id = String(row.approvalId);
    const group = groups.get(id);
    if (group) group.push(row);
    else groups.set(id, [row]);
  }
  return groups;
}

function storedOf(row: Row, events: readonly Row[], subjects: readonly Row[]): StoredApproval {
  return {
    clientId: String(row.clientId),
    id: String(row.id),
    recipientKind: String(row.recipientKind) as RecipientKind,
    recipientId: String(row.recipientId),
    destinationCountry: String(row.destinationCountry),
    categories: codesIn(row.categories).filter(isCategory),
    purposes: codesIn(row.purposes).filter(isPurpose),
    mechanism: String(row.mechanism),
    sccModule: (row.sccModule ?? null) as number | null,
    assessment: (row.assessment ?? null) as string | null,
    safeguards: String(row.safeguards ?? '')
      .split('\n')
      .filter(Boolean),
    authorisation: (row.authorisation ?? null) as string | null,
    residencies: row.residencies as string[] | null,
    namedSubjects: (row.namedSubjects ?? null) as number | null,
    // An erased person leaves the list. An empty list still means nobody, not everybody.
    subjects: row.namedSubjects === null ? null : new Set(subjects.map(({ customerId }) => String(customerId))),
    validFrom: timeOf(row.validFrom) ?? Number.POSITIVE_INFINITY,
    validUntil: timeOf(row.validUntil),
    requestedBy: String(row.requestedBy),
    requestedAt: timeOf(row.requestedAt) ?? 0,
    events: events.map((event) => ({
      sequence: Number(event.sequence),
      action: String(event.action) as OfficerAction,
      side: String(event.side) as Side,
      principal: String(event.principal),
      reason: String(event.reason),
      at: timeOf(event.at) ?? 0,
    })),
  };
}

const codesIn = (list: unknown): readonly string[] => (list ?? []) as readonly string[];

const timeOf = (value: unknown): number | null => (value instanceof Date ? value.getTime() : null);
