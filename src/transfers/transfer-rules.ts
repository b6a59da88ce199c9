import { LRUCache } from 'lru-cache';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { policyVersions } from '../identity/policy-version';
import type { RecipientReference, TransferCaller, TransferCheck, TransferRules } from '../identity/recipient';
import type { SubjectState } from '../identity/subject-state';
import type { Law } from '../law/law';
import type { Suspension } from '../law/transfer';
import type { RecipientCertification } from '../register/certification';
import type { Certifications } from '../register/certifications';
import type { Regions } from '../storage/regions';
import { stateAt } from './approval-state';
import type { ApprovalStore, StoredApproval } from './approval-store';
import { type Suspensions, windowOf } from './suspensions';
import { courseOf } from './transfer-approvals';
import { certificationsOf } from './transfer-recipients';
import { ALL_BITS, bitOf, bitsOf, hasBits, nextChange, type Transfer, TransferTable } from './transfer-table';

/** Facts that all callers share, at one version of the register. */
interface PlatformFacts {
  readonly version: number;
  readonly suspensions: readonly Suspension[];
  readonly certifications: readonly RecipientCertification[];
}

interface ClientFacts {
  readonly version: number;
  readonly approvals: readonly StoredApproval[];
}

/** A transfer outside a query, such as a webhook or an export. */
export interface IntendedTransfer {
  readonly client: string;
  readonly recipient: RecipientReference;
  /** The recipient's country in the register. Undefined allows nothing. */
  readonly country: string | undefined;
  /** The country whose law covers the person. null where none is recorded. */
  readonly residency: string | null;
  /** The person's id, for approvals that name people. */
  readonly subject?: string;
  readonly categories: readonly DataCategory[];
  readonly purposes: readonly ProcessingPurpose[];
}

/**
 * Point 7 of a decision. Facts are cached by policy version, so a change takes effect on the next request of every
 * replica. Tables are cached by version too, until the next moment at which law or an approval changes by date.
 */
export class CompiledTransferRules implements TransferRules {
  readonly #regions: Regions;
  readonly #store: ApprovalStore;
  readonly #suspensions: Suspensions;
  readonly #certifications: Certifications;
  readonly #law: Law;
  readonly #now: () => number;
  #platform: PlatformFacts | undefined;
  readonly #clients = new LRUCache<string, ClientFacts>({ max: 10_000 });
  readonly #tables = new LRUCache<string, { table: TransferTable; until: number }>({ max: 20_000 });

  constructor(
    parts: {
      regions: Regions;
      store: ApprovalStore;
      suspensions: Suspensions;
      certifications: Certifications;
      law: Law;
    },
    now: () => number = Date.now,
  ) {
    this.#regions = parts.regions;
    this.#store = parts.store;
    this.#suspensions = parts.suspensions;
    this.#certifications = parts.certifications;
    this.#law = parts.law;
    this.#now = now;
  }

  async checksFor(
    caller: TransferCaller,
    onBasis?: (basis: string) => void,
  ): Promise<(purpose: string | undefined) => TransferCheck> {
    const tableFor = await this.#tablesFor(caller);
    return (purpose) => checkBy(tableFor(purpose), onBasis);
  }

  /** What a caller may read now, for a purpose, about people of each country. */
  async transfers(
    caller: Omit<TransferCaller, 'versions'>,
    purpose: string | undefined,
    residencies: ReadonlyArray<string | null>,
  ): Promise<Array<{ residency: string | null; transfer: Transfer }>> {
    const versions = await policyVersions(this.#regions, caller.client);
    const table = (await this.#tablesFor({ ...caller, versions }))(purpose);
    return residencies.map((residency) => ({ residency, transfer: table.transfer(residency) }));
  }

  /** The tables of a caller at this moment, one for each purpose. */
  async #tablesFor(caller: TransferCaller): Promise<(purpose: string | undefined) => TransferTable> {
    const { client, recipient, country, versions } = caller;
    const platform = await this.#platformAt(versions.register);
    const { approvals } = client === undefined ? noFacts : await this.#clientAt(client, versions.client);
    const at = this.#now();
    const prefix = [client, versions.client, versions.register, recipient?.kind, recipient?.id, country].join(' ');
    return (purpose) => {
      const key = `${prefix} ${purpose ?? ''}`;
      const known = this.#tables.get(key);
      if (known && at < known.until) return known.table;
      const made = this.#make(approvals, platform, caller, purpose, at);
      this.#tables.set(key, made);
      return made.table;
    };
  }

  #make(
    approvals: readonly StoredApproval[],
    { suspensions, certifications }: PlatformFacts,
    { recipient: reference, country }: TransferCaller,
    purpose: string | undefined,
    at: number,
  ): { table: TransferTable; until: number } {
    const mine = approvals.filter(
      ({ recipientKind, recipientId }) => recipientKind === reference?.kind && recipientId === reference.id,
    );
    const held = certificationsOf(certifications, reference);
    const active = mine.filter((one) => stateAt(courseOf(this.#law, one, suspensions), at) === 'ACTIVE');
    const recipient = { country, certifications: held, sector: 'COMMERCIAL' as const };
    const table = new TransferTable({ law: this.#law, recipient, purpose, approvals: active, suspensions }, at);
    const windows = [
      ...held,
      ...suspensions,
      ...mine.map(({ validFrom, validUntil }) => ({ from: validFrom, to: validUntil })),
      // If another replica's clock is ahead, its change takes effect here once our clock reaches its timestamp.
      ...mine.flatMap(({ events }) => events.map((event) => ({ from: event.at, to: null }))),
    ];
    return { table, until: nextChange(this.#law, at, windows) };
  }

  /**
   * Whether a recipient may be sent these categories of a person's data now, for all of the purposes. For webhooks and
   * exports, which no query guards. A message without personal data, such as an erasure's notice, is no transfer.
   */
  async mayReceive(intended: IntendedTransfer): Promise<{ allowed: boolean; rule: string }> {
    const { client, recipient, country, residency, subject, categories, purposes } = intended;
    const versions = await policyVersions(this.#regions, client);
    const tableFor = await this.#tablesFor({ client, recipient, country, versions });
    const wanted = bitsOf(categories);
    if (purposes.length === 0) return { allowed: false, rule: 'GDPR Art. 5(1)(b)' };
    for (const purpose of purposes) {
      const { categories: held, named, refusal } = tableFor(purpose).transfer(residency);
      const personal = subject === undefined ? 0 : (named.get(subject) ?? 0);
      if (!hasBits(held | personal, wanted)) return { allowed: false, rule: refusal.rule };
    }
    return { allowed: true, rule: '' };
  }

  async #platformAt(version: number): Promise<PlatformFacts> {
    if (this.#platform?.version === version) return this.#platform;
    const [suspensions, certifications] = await Promise.all([this.#suspensions.list(), this.#certifications.all()]);
    const facts = { version, suspensions: suspensions.map(windowOf), certifications };
    this.#platform = facts;
    return facts;
  }

  async #clientAt(client: string, version: number): Promise<ClientFacts> {
    const known = this.#clients.get(client);
    if (known?.version === version) return known;
    const facts = { version, approvals: await this.#store.all(client) };
    this.#clients.set(client, facts);
    return facts;
  }
}

const noFacts = { approvals: [] };

/** @param onBasis called with each basis that carried data across a border */
function checkBy(table: TransferTable, onBasis?: (basis: string) => void): TransferCheck {
  const told = new Set<Transfer>();
  const check = ({ residency, subject }: SubjectState, category: string | undefined) => {
    const transfer = table.transfer(residency);
    if (!carries(transfer, subject, category)) return transfer.refusal;
    if (onBasis && transfer.bases.length > 0 && !told.has(transfer)) {
      told.add(transfer);
      for (const basis of transfer.bases) onBasis(basis);
    }
    return undefined;
  };
  const quietly: TransferCheck = ({ residency, subject }, category) => {
    const transfer = table.transfer(residency);
    return carries(transfer, subject, category) ? undefined : transfer.refusal;
  };
  return Object.assign(check, { quietly, named: table.named });
}

function carries({ categories, named }: Transfer, subject: string | undefined, category: string | undefined): boolean {
  return (
    categories === ALL_BITS ||
    hasBits(categories, bitOf(category)) ||
    (subject !== undefined && named.size > 0 && hasBits(categories | (named.get(subject) ?? 0), bitOf(category)))
  );
}
