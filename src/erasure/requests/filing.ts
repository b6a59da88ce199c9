import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { DataCategory } from '../../governance/vocabulary';
import type { Jobs } from '../../jobs/jobs';
import type { KeyStore } from '../../keys/key-store';
import { noteThings } from '../../storage/noted-ids';
import type { Regions } from '../../storage/regions';
import { inTransaction } from '../../storage/transaction';
import { inSteps } from '../../storage/write-outcome';
import { everybody, lockPeople, mayAct, type Reach } from '../../subjects/reach';
import { UNDER_ERASURE } from '../../tenancy/fence';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { erasureDue } from '../deadline';
import type { ErasureRecords } from '../records/erasure-records';
import { agreedTerms } from './agreed-terms';
import { type ErasureGrounds, ErasureRequestRow } from './erasure-request';

export interface Filing {
  readonly principal: string;
  readonly role: string;
  readonly grounds: ErasureGrounds;
  readonly note?: string | null;
  /** Categories to erase; null erases the whole person. */
  readonly categories?: readonly DataCategory[] | null;
  /** Milliseconds since 1970 before which nothing is destroyed. */
  readonly notBefore?: number | null;
  /** Whom the caller reaches; everybody for an operator, or for the product itself. */
  readonly reach?: Reach;
  /** Fields of the customer by which the people were found. */
  readonly foundBy?: readonly string[];
}

/** The result for a page of customers. Those in neither list do not exist. */
export interface FiledPage {
  /** Ids of requests by customer. */
  readonly requests: ReadonlyMap<string, string>;
  /** People who were under erasure already. */
  readonly underErasure: readonly string[];
}

/** What filing erasures needs. */
export interface FilingServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly records: ErasureRecords;
  readonly jobs: Jobs;
  readonly now: () => number;
}

/** Makes erasure requests for people: for API calls, retention, and the end of a client. */
export class ErasureFiling {
  readonly #services: FilingServices;

  constructor(services: FilingServices) {
    this.#services = services;
  }

  /**
   * Makes requests for customers of a client. In one transaction it withholds the people and writes the requests and
   * their jobs. Then it writes the records. People who are under erasure already, absent or out of reach are left out.
   */
  async file(client: string, customerIds: readonly string[], filing: Filing): Promise<FiledPage> {
    if (customerIds.length === 0) return { requests: new Map(), underErasure: [] };
    const { regions, keys, records, jobs, now } = this.#services;
    const source = await regions.of(client);
    const at = now();
    const { erasureDays } = await agreedTerms(source, client, at);
    const noted = await this.#whoCanHaveNotes(client, customerIds, filing);
    const { reach = everybody, foundBy, categories = null, notBefore = null } = filing;
    const write = () =>
      inTransaction(source, async (manager) => {
        const found = await lockPeople(manager, client, customerIds);
        const reached = found.filter((person) => mayAct(reach, person, foundBy));
        const free = reached.filter(({ restriction }) => restriction !== UNDER_ERASURE);
        const underErasure = reached.filter((person) => !free.includes(person)).map(({ subject }) => subject);
        const filed = free.map(({ subject, residency, restriction }) => ({
          id: uuid(),
          kind: 'CUSTOMER' as const,
          customerId: subject,
          note: noted.has(subject) ? filing.note : null,
          grounds: filing.grounds,
          categories,
          status: 'RECEIVED',
          requestedBy: filing.principal,
          requestedRole: filing.role,
          requestedAt: at,
          notBefore,
          dueAt: erasureDue(at, residency, erasureDays).at,
          formerRestriction: restriction,
          pass: 0,
        }));
        if (filed.length === 0) return { filed, underErasure };
        const ids = filed.map(({ customerId }) => customerId);
        if (categories === null) await withhold(manager, client, ids, at);
        await new TenantWriter(manager, keys).insert(ErasureRequestRow, client, filed);
        const requests = filed.map(({ id }) => id);
        noteThings(...requests);
        await jobs.schedule(manager, client, requests, notBefore ?? at);
        return { filed, underErasure };
      });
    return inSteps(async () => {
      const { filed, underErasure } = await write();
      if (filed.length > 0) await records.open(client, filed);
      return { requests: new Map(filed.map(({ id, customerId }) => [customerId, id])), underErasure };
    });
  }

  /** People who can have a note: it is encrypted under the person's key. */
  async #whoCanHaveNotes(
    client: string,
    customerIds: readonly string[],
    { note }: Filing,
  ): Promise<ReadonlySet<string>> {
    return new Set(note ? (await this.#services.keys.subjectKeys(client, customerIds)).keys() : []);
  }
}

/** From now on these people can be read for LEGAL only, whatever happens to the job. */
export async function withhold(
  manager: EntityManager,
  client: string,
  ids: readonly string[],
  at: number,
): Promise<void> {
  if (ids.length === 0) return;
  await tenantSql(manager, client)
    .change`UPDATE customer SET restriction = ${UNDER_ERASURE}, restricted_at = ${at} WHERE ${own} AND id IN (${ids})`;
}
