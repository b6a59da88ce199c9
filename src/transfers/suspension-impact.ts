import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { allCategories, allPurposes } from '../governance/vocabulary';
import type { GovernanceRecords } from '../identity/governance-records';
import { GranteeKind, PurposeGrant } from '../identity/purpose-grant';
import { platformRecipient, type RecipientReference } from '../identity/recipient';
import type { Law } from '../law/law';
import type { Suspension } from '../law/transfer';
import { covers, validUntil } from '../law/validity';
import type { RecipientCertification } from '../register/certification';
import type { Certifications } from '../register/certifications';
import type { Client } from '../register/client';
import type { Clients } from '../register/clients';
import type { ThirdParties } from '../register/third-parties';
import { stateAt } from './approval-state';
import type { ApprovalStore, StoredApproval } from './approval-store';
import { restsOn } from './approved-basis';
import { type Suspensions, windowOf } from './suspensions';
import { courseOf } from './transfer-approvals';
import { certificationsOf } from './transfer-recipients';
import { bitsOf, hasBits, TransferTable } from './transfer-table';

/** Reads of one recipient that would stop, with their purposes, categories and countries of residence. */
export interface StoppedOperation {
  readonly client: Client;
  readonly recipient: RecipientReference;
  readonly recipientName: string;
  readonly destination: string;
  readonly purposes: readonly ProcessingPurpose[];
  readonly categories: readonly DataCategory[];
  /** null stands for people without a recorded country. */
  readonly residencies: ReadonlyArray<string | null>;
}

export interface Impact {
  readonly clients: readonly Client[];
  readonly operations: readonly StoppedOperation[];
  /** Approvals that rest on the basis, even where another one carries the same data. */
  readonly transfers: readonly StoredApproval[];
}

/** A recipient that reads a client's data in a country. */
interface Reader {
  readonly recipient: RecipientReference;
  readonly name: string;
  readonly destination: string;
  readonly purposes: readonly ProcessingPurpose[];
  readonly categories: readonly DataCategory[];
}

const PAGE = 200;

/** Computes what stops when a legal basis is suspended. */
export class ImpactAnalysis {
  constructor(
    private readonly parts: {
      readonly clients: Clients;
      readonly parties: ThirdParties;
      readonly records: GovernanceRecords;
      readonly certifications: Certifications;
      readonly store: ApprovalStore;
      readonly suspensions: Suspensions;
      readonly law: Law;
    },
  ) {}

  /** @param from when the basis is suspended, in milliseconds since 1970 */
  async of(basis: string, from: number): Promise<Impact> {
    const { clients, certifications, suspensions } = this.parts;
    const held = (await suspensions.list()).map(windowOf);
    const before = held.filter((one) => one.basis !== basis);
    const listings = await certifications.all();
    const impacts: Impact[] = [];
    for (let after: string | undefined; ; ) {
      const page = await clients.list(PAGE, after);
      for (const client of page) impacts.push(await this.#onClient(client, basis, from, before, listings));
      after = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
    const operations = impacts.flatMap((impact) => impact.operations);
    return {
      clients: impacts.flatMap((impact) => impact.clients),
      operations,
      transfers: impacts.flatMap((impact) => impact.transfers),
    };
  }

  async #onClient(
    client: Client,
    basis: string,
    from: number,
    before: readonly Suspension[],
    listings: readonly RecipientCertification[],
  ): Promise<Impact> {
    const { law, store } = this.parts;
    const approvals = await store.all(client.id);
    const standing = approvals.filter((one) => mayCarry(law, one, before, from));
    const residencies = await store.residencies(client.id);
    const after = [...before, { basis, from, to: null }];
    const operations = (await this.#readersOf(client, standing, from)).flatMap((reader) => {
      const stopped = stoppedFor({ law, reader, approvals, listings, before, after, residencies, at: from });
      return stopped
        ? [
            {
              client,
              recipient: reader.recipient,
              recipientName: reader.name,
              destination: reader.destination,
              ...stopped,
            },
          ]
        : [];
    });
    const transfers = standing.filter((one) => restsOn(law, one, basis));
    return { clients: operations.length + transfers.length > 0 ? [client] : [], operations, transfers };
  }

  /** The recorded readers of a client's data. Where client users and staff are is known from their tokens only. */
  async #readersOf(client: Client, approvals: readonly StoredApproval[], at: number): Promise<Reader[]> {
    const { parties, records } = this.parts;
    const subProcessors = (await parties.subProcessors())
      .filter(({ engagedFrom, engagedTo }) => covers(validUntil(engagedFrom, engagedTo), at))
      .map((one): Reader => {
        const recipient = { kind: 'SUB_PROCESSOR' as const, id: one.id };
        return {
          recipient,
          name: one.name,
          destination: one.country,
          purposes: one.purposes,
          categories: one.categories,
        };
      });
    const grants = await records.list(PurposeGrant, client.id);
    const applications = (await parties.installations(client.id)).map(({ application }): Reader => {
      const mine = grants.filter(
        (grant) =>
          grant.granteeKind === GranteeKind.APPLICATION &&
          grant.grantee === application.id &&
          grant.withdrawnAt === null,
      );
      const categories = mine.flatMap((grant) => (grant.categories as DataCategory[] | null) ?? allCategories);
      return {
        recipient: { kind: 'APPLICATION', id: application.id },
        name: application.name,
        destination: application.country,
        purposes: allPurposes.filter((purpose) => mine.some((grant) => grant.purpose === purpose)),
        categories: [...new Set(categories)],
      };
    });
    const own = { kind: 'CLIENT' as const, id: client.id };
    const all = { purposes: allPurposes, categories: allCategories };
    const people: Reader[] = [
      ...destinationsOf(own, approvals, client.country).map((destination) => ({
        ...all,
        recipient: own,
        name: client.name,
        destination,
      })),
      // The service is hosted in the US and in the EU, and its staff are there (T1).
      ...destinationsOf(platformRecipient, approvals, 'US').map((destination) => ({
        ...all,
        recipient: platformRecipient,
        name: 'the platform',
        destination,
      })),
    ];
    return [...subProcessors, ...applications, ...people];
  }
}

const mayCarry = (law: Law, approval: StoredApproval, suspensions: readonly Suspension[], at: number): boolean =>
  ['ACTIVE', 'APPROVED'].includes(stateAt(courseOf(law, approval, suspensions), at));

function destinationsOf(
  recipient: RecipientReference,
  approvals: readonly StoredApproval[],
  also: string | null,
): string[] {
  const approved = approvals
    .filter(({ recipientKind, recipientId }) => recipientKind === recipient.kind && recipientId === recipient.id)
    .map(({ destinationCountry }) => destinationCountry);
  return [...new Set([...approved, ...(also ? [also] : [])])];
}

/** What a reader may read before the suspension and not after it. */
function stoppedFor(facts: {
  readonly law: Law;
  readonly reader: Reader;
  readonly approvals: readonly StoredApproval[];
  readonly listings: readonly RecipientCertification[];
  readonly before: readonly Suspension[];
  readonly after: readonly Suspension[];
  readonly residencies: ReadonlyArray<string | null>;
  readonly at: number;
}): Pick<StoppedOperation, 'purposes' | 'categories' | 'residencies'> | undefined {
  const { law, reader, approvals, listings, before, after, residencies, at } = facts;
  const { recipient: reference, destination } = reader;
  const certifications = certificationsOf(listings, reference);
  const recipient = { country: destination, certifications, sector: 'COMMERCIAL' as const };
  const tableUnder = (suspensions: readonly Suspension[], purpose: ProcessingPurpose) => {
    const mine = approvals.filter(
      (one) =>
        one.recipientKind === reference.kind &&
        one.recipientId === reference.id &&
        stateAt(courseOf(law, one, suspensions), at) === 'ACTIVE',
    );
    return new TransferTable({ law, recipient, purpose, approvals: mine, suspensions }, at);
  };
  const purposes = new Set<ProcessingPurpose>();
  const categories = new Set<DataCategory>();
  const countries = new Set<string | null>();
  for (const purpose of reader.purposes) {
    const was = tableUnder(before, purpose);
    const becomes = tableUnder(after, purpose);
    for (const residency of residencies) {
      const had = was.transfer(residency);
      const has = becomes.transfer(residency);
      const lost = reader.categories.filter(
        (category) => hasBits(had.categories, bitsOf([category])) && !hasBits(has.categories, bitsOf([category])),
      );
      if (lost.length === 0 && had.named.size <= has.named.size) continue;
      purposes.add(purpose);
      countries.add(residency);
      for (const category of lost) categories.add(category);
    }
  }
  return purposes.size === 0
    ? undefined
    : { purposes: [...purposes], categories: [...categories], residencies: [...countries] };
}
