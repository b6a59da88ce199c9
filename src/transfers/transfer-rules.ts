import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { policyVersions, REGISTER } from '../identity/policy-version';
import type {
  RecipientReference,
  TransferCaller,
  TransferCheck,
  TransferChecks,
  TransferRules,
} from '../identity/recipient';
import type { SubjectState } from '../identity/subject-state';
import { type Versioned, VersionedFacts } from '../identity/versioned-facts';
import type { Law } from '../law/law';
import type { Suspension } from '../law/transfer';
import type { RecipientCertification } from '../register/certification';
import type { Certifications } from '../register/certifications';
import type { Regions } from '../storage/regions';
import { stateAt } from './approval-state';
import type { ApprovalStore, StoredApproval } from './approval-store';
import { type Suspensions, windowInForce } from './suspensions';
import { courseOf } from './transfer-approvals';
import { certificationsOf } from './transfer-recipients';
import { ALL_BITS, bitOf, bitsOf, hasBits, nextChange, type Transfer, TransferTable } from './transfer-table';

/** Facts that all callers share. */
interface PlatformFacts {
  readonly suspensions: readonly Suspension[];
  readonly certifications: readonly RecipientCertification[];
}

/** A table, and the facts that it was made of. */
interface KeptTable {
  readonly table: TransferTable;
  /** When it may change by date. */
  readonly until: number;
  readonly approvals: Versioned<readonly StoredApproval[]>;
  readonly platform: Versioned<PlatformFacts>;
}

type TablesFor = (purpose: string | undefined) => TransferTable;

/** How many tables are kept; one that names people counts for up to a hundred. */
const TABLES_KEPT = 20_000;
const sizeOf = ({ table }: KeptTable): number => 1 + Math.min(99, table.named.size >> 4);

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
  readonly #law: Law;
  readonly #now: () => number;
  readonly #platform: VersionedFacts<PlatformFacts>;
  readonly #approvals: VersionedFacts<readonly StoredApproval[]>;
  readonly #tables = new LRUCache<string, KeptTable>({ maxSize: TABLES_KEPT, sizeCalculation: sizeOf });

  constructor(
    {
      regions,
      store,
      suspensions,
      certifications,
      law,
    }: {
      regions: Regions;
      store: ApprovalStore;
      suspensions: Suspensions;
      certifications: Certifications;
      law: Law;
    },
    now: () => number = Date.now,
  ) {
    this.#regions = regions;
    this.#law = law;
    this.#now = now;
    const platform = async (from: EntityManager): Promise<PlatformFacts> => ({
      suspensions: (await suspensions.list(from)).map(windowInForce),
      certifications: await certifications.all(from),
    });
    this.#platform = new VersionedFacts(regions, platform, 1);
    this.#approvals = new VersionedFacts<readonly StoredApproval[]>(regions, (from, client) =>
      store.standing(client, now(), from),
    );
  }

  checksFor(caller: TransferCaller, onBasis?: (basis: string) => void): TransferChecks | Promise<TransferChecks> {
    const checks =
      (tableFor: TablesFor): TransferChecks =>
      (purpose) =>
        checkBy(tableFor(purpose), onBasis);
    const tables = this.#tablesAtHand(caller);
    return tables ? checks(tables) : this.#tablesFor(caller).then(checks);
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
  async #tablesFor(caller: TransferCaller): Promise<TablesFor> {
    const { client, versions } = caller;
    const [platform, approvals] = await Promise.all([
      this.#platform.at(REGISTER, versions.register),
      client === undefined ? noApprovals : this.#approvals.at(client, versions.client),
    ]);
    return this.#tablesOf(caller, platform, approvals);
  }

  /** The same, at once, where all facts of these versions are kept. */
  #tablesAtHand(caller: TransferCaller): TablesFor | undefined {
    const { client, versions } = caller;
    const platform = this.#platform.kept(REGISTER, versions.register);
    const approvals = client === undefined ? noApprovals : this.#approvals.kept(client, versions.client);
    return platform && approvals && this.#tablesOf(caller, platform, approvals);
  }

  #tablesOf(caller: TransferCaller, platform: KeptTable['platform'], approvals: KeptTable['approvals']): TablesFor {
    const { client, recipient, country } = caller;
    const at = this.#now();
    const prefix = `${client ?? ''} ${recipient?.kind ?? ''} ${recipient?.id ?? ''} ${country ?? ''}`;
    return (purpose) => {
      const key = `${prefix} ${purpose ?? ''}`;
      const known = this.#tables.get(key);
      const isCurrent = known?.approvals === approvals && known.platform === platform && at < known.until;
      if (isCurrent) return known.table;
      const made = this.#make(approvals.facts, platform.facts, caller, purpose, at);
      // In the place of the one before: a version that is over is not asked for again.
      this.#tables.set(key, { ...made, approvals, platform });
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
}

const noApprovals: Versioned<readonly StoredApproval[]> = { version: 0, facts: [] };

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
