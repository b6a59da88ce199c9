import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type DataCategory, isPurpose, type ProcessingPurpose } from '../governance/vocabulary';
import type { KeyStore } from '../keys/key-store';
import { DAY_MS } from '../law/calendar';
import { type Validity, validUntil } from '../law/validity';
import { type DecidedRow, decidedChange, decidedRow } from '../storage/decided-row';
import { listText } from '../storage/lists';
import type { Regions } from '../storage/regions';
import { inTransaction } from '../storage/transaction';
import type { Condition } from '../tenancy/conditions';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { sideOf } from './caller';
import { type ChangeRecorder, changing, unrecorded } from './change-recorder';
import { requireText } from './checks';
import { ClientInstruction, type InstructedAct } from './client-instruction';
import { bumpPolicy } from './policy-version';
import { GranteeKind, PurposeGrant } from './purpose-grant';
import { denied } from './request-context';
import type { Permission } from './rights';

type GovernanceRecord = typeof PurposeGrant | typeof ClientInstruction;

/** Who acts, for which client. */
export interface Actor {
  readonly client: string;
  readonly principal: string;
}

/** Whether a principal is the application of that id, installed at the client with its notice accepted. */
type IsInstalled = (applicationId: string, principal: string) => boolean;

/** Rows of grants and instructions that are not withdrawn. */
interface StandingRecords {
  readonly grants: readonly Row[];
  readonly instructions: readonly Row[];
}

interface Terms {
  readonly purpose: ProcessingPurpose;
  readonly categories?: readonly DataCategory[] | null | undefined;
  readonly reason: string;
  readonly validFrom?: Date | null | undefined;
  readonly validTo?: Date | null | undefined;
}

/** Purpose grants and client instructions. They can be given and withdrawn, and never change otherwise. */
export class GovernanceRecords {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #recorder: ChangeRecorder;

  constructor(regions: Regions, keys: KeyStore, recorder: ChangeRecorder = unrecorded) {
    this.#regions = regions;
    this.#keys = keys;
    this.#recorder = recorder;
  }

  async grant(actor: Actor, terms: Terms & { granteeKind: GranteeKind; grantee: string }): Promise<PurposeGrant> {
    return this.#give(PurposeGrant, actor, terms, {
      granteeKind: terms.granteeKind,
      grantee: requireText('grantee', terms.grantee, 255),
    }) as Promise<PurposeGrant>;
  }

  async instruct(
    actor: Actor,
    terms: Terms & { principal?: string | null | undefined; acts?: readonly InstructedAct[] | null | undefined },
  ): Promise<ClientInstruction> {
    const principal = terms.principal ?? null;
    if (terms.acts?.length === 0) throw denied.input('"acts" must name at least one, or be left out for reading.');
    return this.#give(ClientInstruction, actor, terms, {
      acts: terms.acts ? [...new Set(terms.acts)] : null,
      principal: principal === null ? null : requireText('principal', principal, 255),
    }) as Promise<ClientInstruction>;
  }

  /** Grants as part of another change, which records and writes them. */
  draft(
    actor: Actor,
    grants: ReadonlyArray<Terms & { granteeKind: GranteeKind; grantee: string }>,
  ): { readonly decides: readonly DecidedRow[]; write(manager: EntityManager): Promise<void> } {
    const rows = grants.map((terms) => ({
      ...record(actor, terms),
      granteeKind: terms.granteeKind,
      grantee: terms.grantee,
    }));
    return {
      decides: rows.map((row) => decidedRow(PurposeGrant, row)),
      write: async (manager) => {
        await new TenantWriter(manager, this.#keys).insert(PurposeGrant, actor.client, rows);
        await bumpPolicy(manager, actor.client);
      },
    };
  }

  /** Withdraws all grants of an application, as part of another change. */
  async draftWithdrawal(
    client: string,
    applicationId: string,
    reason: string,
  ): Promise<{ readonly decides: readonly DecidedRow[]; write(manager: EntityManager): Promise<void> }> {
    const changes = { withdrawnAt: Date.now(), withdrawnReason: reason };
    const granted = (await this.#all(PurposeGrant, client)).filter(
      ({ granteeKind, grantee, withdrawnAt }) =>
        granteeKind === GranteeKind.APPLICATION && grantee === applicationId && withdrawnAt === null,
    );
    return {
      decides: granted.map(({ id }) => decidedChange(PurposeGrant, { id }, changes)),
      write: async (manager) => {
        const writer = new TenantWriter(manager, this.#keys);
        for (const { id } of granted) await writer.update(PurposeGrant, client, { id }, changes);
      },
    };
  }

  /** @throws {GraphQLError} BAD_USER_INPUT, NOT_FOUND, or CONFLICT where it is withdrawn already */
  async withdraw(
    kind: GovernanceRecord,
    actor: Actor,
    id: string,
    reason: string,
  ): Promise<PurposeGrant | ClientInstruction> {
    requireText('reason', reason, 500);
    const [row] = id === '' ? [] : await this.#all(kind, actor.client, id);
    if (!row) throw denied.notFound(kind === PurposeGrant ? 'grant' : 'instruction');
    if (row.withdrawnAt) throw denied.conflict('It has been withdrawn already.');
    const changes = { withdrawnAt: Date.now(), withdrawnReason: reason };
    const withdrawn = kind === PurposeGrant ? 'GRANT_WITHDRAWN' : 'INSTRUCTION_WITHDRAWN';
    const decides = [decidedChange(kind, { id }, changes)];
    const change = { ...actor, purpose: String(row.purpose), details: { record: id }, decides };
    const source = await this.#regions.of(actor.client);
    await changing(this.#recorder, withdrawn, change, () =>
      inTransaction(source, async (manager) => {
        await new TenantWriter(manager, this.#keys).update(kind, actor.client, { id }, changes);
        await bumpPolicy(manager, actor.client);
      }),
    );
    return { ...row, ...changes, withdrawnAt: new Date(changes.withdrawnAt) } as unknown as PurposeGrant;
  }

  async list(kind: GovernanceRecord, client: string): Promise<Row[]> {
    return this.#all(kind, client);
  }

  /** A client's grants and instructions that are in force, or come into force some day, from a snapshot. */
  async standing(client: string, from: EntityManager): Promise<StandingRecords> {
    const reader = new TenantReader(from, this.#keys);
    const read = async (kind: GovernanceRecord) => {
      const rows = await reader.select(kind, {
        client,
        fields: tableOf(kind).fields.keys(),
        where: standing(Date.now()),
      });
      // Sorted here: engines would read all that was ever given in the order of its ids.
      return rows.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
    };
    return { grants: await read(PurposeGrant), instructions: await read(ClientInstruction) };
  }

  async #give(kind: GovernanceRecord, actor: Actor, terms: Terms, more: Row): Promise<unknown> {
    const row = { ...record(actor, terms), ...more };
    const given = kind === PurposeGrant ? 'GRANT_GIVEN' : 'INSTRUCTION_GIVEN';
    const change = { ...actor, purpose: terms.purpose, details: detailsOf(row), decides: [decidedRow(kind, row)] };
    const source = await this.#regions.of(actor.client);
    await changing(this.#recorder, given, change, () =>
      inTransaction(source, async (manager) => {
        await new TenantWriter(manager, this.#keys).insert(kind, actor.client, [row]);
        await bumpPolicy(manager, actor.client);
      }),
    );
    return { acts: null, ...row };
  }

  async #all(kind: GovernanceRecord, client: string, id?: string): Promise<Row[]> {
    const where = id === undefined ? [] : [{ field: 'id', is: '=', value: id } as const];
    return new TenantReader(await this.#regions.of(client), this.#keys).select(kind, {
      client,
      fields: tableOf(kind).fields.keys(),
      where,
      orderBy: [{ field: 'id' }],
    });
  }
}

function record(actor: Actor, terms: Terms): Row {
  const validFrom = terms.validFrom ?? new Date();
  const validTo = terms.validTo ?? null;
  if (validTo && validTo <= validFrom) throw denied.input('"validTo" must be after "validFrom".');
  if (terms.categories?.length === 0)
    throw denied.input('"categories" must name at least one, or be left out for all.');
  return {
    id: uuid(),
    purpose: terms.purpose,
    categories: terms.categories ?? null,
    reason: requireText('reason', terms.reason, 500),
    validFrom,
    validTo,
    withdrawnAt: null,
    withdrawnReason: null,
    givenBy: actor.principal,
  };
}

/** What the ledger keeps of a record. Whom it is for, and why, stays in the record. */
const detailsOf = (row: Row) => ({
  record: String(row.id),
  granteeKind: row.granteeKind === undefined ? undefined : String(row.granteeKind),
  categories: listText(row.categories as string[] | null),
  acts: row.acts === undefined ? undefined : listText(row.acts as string[] | null),
  validFrom: (row.validFrom as Date).toISOString(),
  validTo: (row.validTo as Date | null)?.toISOString() ?? null,
});

/** Clocks are set back at times. What ended no longer ago than this is still read, and decided by the clock. */
const ENDED_LATELY_MS = DAY_MS;

/**
 * Narrows to what is not withdrawn and has not ended long ago, so that the cost does not grow with all that was ever
 * given. A withdrawal counts by being there: the clock that stamped it may be ahead of the reader's.
 */
const standing = (now: number): readonly Condition[] => [
  { field: 'withdrawnAt', is: 'null' },
  {
    any: [
      { field: 'validTo', is: 'null' },
      { field: 'validTo', is: '>', value: now - ENDED_LATELY_MS },
    ],
  },
];

/** Grants and instructions as the permissions they give. @param isInstalled as {@link IsInstalled} says */
export function permissionsOf({ grants, instructions }: StandingRecords, isInstalled: IsInstalled): Permission[] {
  return [...grants.map((row) => permissionOfGrant(row, isInstalled)), ...instructions.map(permissionOfInstruction)];
}

/** Fails closed on times that cannot be read: such an end has passed, such a beginning never comes. */
function validity(row: Row): Validity {
  const at = (value: unknown) => (value === null ? null : value instanceof Date ? value.getTime() : 0);
  if (row.withdrawnAt !== null) return { from: Number.POSITIVE_INFINITY, to: 0 };
  return validUntil(at(row.validFrom) || Number.POSITIVE_INFINITY, at(row.validTo));
}

const purposesOf = (row: Row): ProcessingPurpose[] => (isPurpose(row.purpose) ? [row.purpose] : []);
const categoriesOf = (row: Row) => row.categories as readonly DataCategory[] | null;

function permissionOfGrant(row: Row, isInstalled: IsInstalled): Permission {
  return {
    ...validity(row),
    title: `grant ${row.id}`,
    purposes: purposesOf(row),
    categories: categoriesOf(row),
    covers: (claims) => {
      switch (row.granteeKind) {
        case GranteeKind.ROLE:
          return sideOf(claims.roles) === 'CLIENT' && claims.roles.some((role) => role === row.grantee);
        case GranteeKind.PRINCIPAL:
          return sideOf(claims.roles) === 'CLIENT' && claims.subject === row.grantee;
        case GranteeKind.APPLICATION:
          return sideOf(claims.roles) === 'PARTNER' && isInstalled(String(row.grantee), claims.subject);
        default:
          return false;
      }
    },
  };
}

function permissionOfInstruction(row: Row): Permission {
  return {
    ...validity(row),
    title: `instruction ${row.id}`,
    // An instruction to act lets nobody read.
    purposes: row.acts === null ? purposesOf(row) : [],
    acts: (row.acts ?? []) as readonly string[],
    categories: categoriesOf(row),
    covers: ({ roles, subject }) =>
      sideOf(roles) === 'PLATFORM' && (row.principal === null || row.principal === subject),
  };
}
