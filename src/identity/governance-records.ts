import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type DataCategory, isPurpose, type ProcessingPurpose } from '../governance/vocabulary';
import type { KeyStore } from '../storage/key-store';
import type { Regions } from '../storage/regions';
import { tableOf } from '../storage/tables';
import { type Row, TenantReader } from '../storage/tenant-reader';
import { TenantWriter } from '../storage/tenant-writer';
import { inTransaction } from '../storage/transaction';
import { ClientInstruction } from './client-instruction';
import { bumpPolicy } from './policy-version';
import { GranteeKind, PurposeGrant } from './purpose-grant';
import { denied } from './request-context';
import type { Permission } from './rights';

type GovernanceRecord = typeof PurposeGrant | typeof ClientInstruction;

/** Who acts, on whose data. */
export interface Actor {
  readonly client: string;
  readonly principal: string;
}

export type IsInstalled = (applicationId: string, principal: string) => boolean;

interface Terms {
  readonly purpose: ProcessingPurpose;
  readonly categories?: readonly DataCategory[] | null | undefined;
  readonly reason: string;
  readonly validFrom?: Date | null | undefined;
  readonly validTo?: Date | null | undefined;
}

/** Purpose grants and client instructions: given for a time, withdrawn at once, never changed or removed. */
export class GovernanceRecords {
  readonly #regions: Regions;
  readonly #keys: KeyStore;

  constructor(regions: Regions, keys: KeyStore) {
    this.#regions = regions;
    this.#keys = keys;
  }

  async grant(actor: Actor, terms: Terms & { granteeKind: GranteeKind; grantee: string }): Promise<PurposeGrant> {
    return this.#give(PurposeGrant, actor, terms, {
      granteeKind: terms.granteeKind,
      grantee: terms.grantee,
    }) as Promise<PurposeGrant>;
  }

  async instruct(actor: Actor, terms: Terms & { principal?: string | null | undefined }): Promise<ClientInstruction> {
    return this.#give(ClientInstruction, actor, terms, {
      principal: terms.principal ?? null,
    }) as Promise<ClientInstruction>;
  }

  /** Inside a transaction of the caller's: standing grants of a new client. */
  async grantWithin(
    manager: EntityManager,
    actor: Actor,
    grants: ReadonlyArray<Terms & { granteeKind: GranteeKind; grantee: string }>,
  ): Promise<void> {
    const rows = grants.map((terms) => ({
      ...record(actor, terms),
      granteeKind: terms.granteeKind,
      grantee: terms.grantee,
    }));
    await new TenantWriter(manager, this.#keys).insert(PurposeGrant, actor.client, rows);
    await bumpPolicy(manager, actor.client);
  }

  /** @throws {GraphQLError} NOT_FOUND, or CONFLICT where it is withdrawn already */
  async withdraw(
    kind: GovernanceRecord,
    actor: Actor,
    id: string,
    reason: string,
  ): Promise<PurposeGrant | ClientInstruction> {
    const [row] = await this.#all(kind, actor.client, id);
    if (!row) throw denied.notFound(kind === PurposeGrant ? 'grant' : 'instruction');
    if (row.withdrawnAt) throw denied.conflict('It has been withdrawn already.');
    const changes = { withdrawnAt: Date.now(), withdrawnReason: reason };
    await inTransaction(await this.#regions.of(actor.client), async (manager) => {
      await new TenantWriter(manager, this.#keys).update(kind, actor.client, { id }, changes);
      await bumpPolicy(manager, actor.client);
    });
    return { ...row, ...changes, withdrawnAt: new Date(changes.withdrawnAt) } as unknown as PurposeGrant;
  }

  async list(kind: GovernanceRecord, client: string): Promise<Row[]> {
    return this.#all(kind, client);
  }

  /**
   * Grants and instructions of a client as the permissions they give.
   * @param isInstalled whether a principal is the application of that id, installed at the client with its notice accepted
   */
  async permissions(client: string, isInstalled: IsInstalled): Promise<Permission[]> {
    const [grants, instructions] = await Promise.all([
      this.#all(PurposeGrant, client),
      this.#all(ClientInstruction, client),
    ]);
    return [...grants.map((row) => permissionOfGrant(row, isInstalled)), ...instructions.map(permissionOfInstruction)];
  }

  async #give(kind: GovernanceRecord, actor: Actor, terms: Terms, more: Row): Promise<unknown> {
    const row = { ...record(actor, terms), ...more };
    await inTransaction(await this.#regions.of(actor.client), async (manager) => {
      await new TenantWriter(manager, this.#keys).insert(kind, actor.client, [row]);
      await bumpPolicy(manager, actor.client);
    });
    return { ...row, categories: terms.categories ?? null };
  }

  async #all(kind: GovernanceRecord, client: string, id?: string): Promise<Row[]> {
    const where = id === undefined ? [] : [{ field: 'id', is: '=', value: id } as const];
    const rows = await new TenantReader(await this.#regions.of(client), this.#keys).select(kind, {
      client,
      fields: tableOf(kind).fields.keys(),
      where,
      orderBy: [{ field: 'id' }],
    });
    return rows.map((row) => ({
      ...row,
      categories: typeof row.categories === 'string' ? row.categories.split(',') : null,
    }));
  }
}

function record(actor: Actor, terms: Terms): Row {
  if (terms.reason.trim() === '') throw denied.input('"reason" must say why.');
  const validFrom = terms.validFrom ?? new Date();
  const validTo = terms.validTo ?? null;
  if (validTo && validTo <= validFrom) throw denied.input('"validTo" must be after "validFrom".');
  if (terms.categories?.length === 0)
    throw denied.input('"categories" must name at least one, or be left out for all.');
  return {
    id: uuid(),
    purpose: terms.purpose,
    categories: terms.categories ? terms.categories.join(',') : null,
    reason: terms.reason,
    validFrom,
    validTo,
    withdrawnAt: null,
    withdrawnReason: null,
    givenBy: actor.principal,
  };
}

function validity(row: Row) {
  const at = (value: unknown) => (value instanceof Date ? value.getTime() : null);
  return {
    validFrom: at(row.validFrom) ?? Number.POSITIVE_INFINITY,
    validTo: at(row.validTo),
    withdrawnAt: at(row.withdrawnAt),
  };
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
          return clientRoles.some((role) => role === row.grantee && claims.roles.includes(role));
        case GranteeKind.PRINCIPAL:
          return !isOutside(claims.roles) && claims.subject === row.grantee;
        case GranteeKind.APPLICATION:
          return claims.roles.includes('PARTNER') && isInstalled(String(row.grantee), claims.subject);
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
    purposes: purposesOf(row),
    categories: categoriesOf(row),
    covers: (claims) =>
      (claims.roles.includes('PLATFORM_STAFF') || claims.roles.includes('PLATFORM_PRIVACY_OFFICER')) &&
      (row.principal === null || row.principal === claims.subject),
  };
}

/** Roles that a client may grant purposes to as such: its own people and apps. */
export const clientRoles = ['CLIENT_APP', 'CLIENT_AGENT', 'CLIENT_ADMIN', 'CLIENT_PRIVACY_OFFICER'] as const;
const outsideRoles: readonly string[] = ['PARTNER', 'SUB_PROCESSOR', 'PLATFORM_STAFF', 'PLATFORM_PRIVACY_OFFICER'];
const isOutside = (roles: readonly string[]): boolean => roles.some((role) => outsideRoles.includes(role));
