import type { RowRefusal } from '../governance/govern';
import { allCategories, type DataCategory, type ProcessingPurpose } from '../governance/vocabulary';
import { type Law, validitiesOf } from '../law/law';
import { type DataImporter, findByLaw, provisionOf, regimeOf, type Suspension, suspendedAt } from '../law/transfer';
import { nextChangeOf, type Validity } from '../law/validity';

/** The terms of an approval, as decisions need them. */
export interface ApprovedTerms {
  readonly id: string;
  readonly destinationCountry: string;
  readonly categories: readonly DataCategory[];
  readonly purposes: readonly ProcessingPurpose[];
  readonly mechanism: string;
  readonly sccModule: number | null;
  /** null means every country whose law knows the mechanism. */
  readonly residencies: readonly string[] | null;
  /** null means everybody. */
  readonly subjects: ReadonlySet<string> | null;
}

/** The facts behind decisions on one client's rows, for one recipient and purpose. */
export interface TransferFacts {
  readonly law: Law;
  readonly recipient: DataImporter;
  readonly purpose: string | undefined;
  /** This client's ACTIVE approvals for this recipient. */
  readonly approvals: readonly ApprovedTerms[];
  readonly suspensions: readonly Suspension[];
}

/** What may be read about people of one country. */
export interface Transfer {
  /** One bit for each category. {@link ALL_BITS} means all, and data without a category. */
  readonly categories: number;
  /** Person id → further categories, for people whom an approval names. */
  readonly named: ReadonlyMap<string, number>;
  readonly refusal: Exclude<RowRefusal, string>;
  /** The bases that carry it, as rules cite them. Empty where no border is crossed. */
  readonly bases: readonly string[];
  /** Ids of the approvals among the bases. */
  readonly approvals: readonly string[];
  /** What is missing, in words for an officer. Empty where everything may be read. */
  readonly missing: string;
}

/** Every bit, also those of categories that are added later. */
export const ALL_BITS = -1;

const bits: ReadonlyMap<string, number> = new Map(allCategories.map((category, index) => [category, 1 << index]));

/** The bit of a category. Data without a category needs all bits. */
export const bitOf = (category: string | undefined): number =>
  category === undefined ? ALL_BITS : (bits.get(category) ?? ALL_BITS);

export const bitsOf = (categories: readonly DataCategory[]): number =>
  categories.reduce((sum, category) => sum | bitOf(category), 0);

/** Whether `held` has all bits of `wanted`. */
export const hasBits = (held: number, wanted: number): boolean => (held & wanted) === wanted;

/** What may be read about people of a country at a moment: by law, or else by approvals. */
export function transferFor(facts: TransferFacts, residency: string, at: number): Transfer {
  const { law, recipient, suspensions, purpose } = facts;
  const found = findByLaw(law, residency, recipient, at, suspensions);
  const refusal = { code: 'TRANSFER_NOT_AUTHORIZED', rule: found.rule };
  if (found.lawful) {
    const bases = found.basis === 'ADEQUACY' ? [found.rule] : [];
    return { categories: ALL_BITS, named: none, refusal, bases, approvals: [], missing: '' };
  }
  let categories = 0;
  const named = new Map<string, number>();
  const carrying: ApprovedTerms[] = [];
  for (const approval of facts.approvals) {
    if (approval.destinationCountry !== recipient.country) continue;
    if (!approval.purposes.some((name) => name === purpose)) continue;
    if (!serves(law, approval, residency, at, suspensions)) continue;
    const granted = bitsOf(approval.categories);
    if (approval.subjects === null) categories |= granted;
    else for (const subject of approval.subjects) named.set(subject, (named.get(subject) ?? 0) | granted);
    carrying.push(approval);
  }
  return {
    categories,
    named,
    refusal,
    bases: carrying.map(({ mechanism, sccModule, id }) => titleOf(mechanism, sccModule, id)),
    approvals: carrying.map(({ id }) => id),
    missing: found.missing,
  };
}

const none: ReadonlyMap<string, number> = new Map();

const titleOf = (mechanism: string, sccModule: number | null, id: string): string =>
  `${mechanism}${sccModule === null ? '' : ` module ${sccModule}`}, approval ${id}`;

/** Whether an approval's mechanism is law for people of a country. */
function serves(
  law: Law,
  { mechanism, residencies }: Pick<ApprovedTerms, 'mechanism' | 'residencies'>,
  residency: string,
  at: number,
  suspensions: readonly Suspension[],
): boolean {
  if (residencies !== null && !residencies.includes(residency)) return false;
  const regime = regimeOf(law, residency, at);
  if (regime) return provisionOf(law, mechanism, regime.id, at, suspensions) !== undefined;
  if (law.tools[mechanism]?.kind !== 'NATIONAL' || residencies === null) return false;
  return !suspendedAt(suspensions, at, mechanism);
}

/**
 * Residency → what may be read, for one client, recipient and purpose. A row costs one look-up. A country is computed
 * when its first row comes.
 */
export class TransferTable {
  readonly #facts: TransferFacts;
  readonly #at: number;
  /** People whom approvals name. */
  readonly named: ReadonlySet<string>;
  readonly #transfers = new Map<string, Transfer>();
  #unknown: Transfer | undefined;

  constructor(facts: TransferFacts, at: number) {
    this.#facts = facts;
    this.#at = at;
    this.named = new Set(facts.approvals.flatMap(({ subjects }) => [...(subjects ?? [])]));
  }

  /** @param residency null where none is recorded: then the rules of every regime must be met */
  transfer(residency: string | null): Transfer {
    if (residency === null || residency === '') {
      this.#unknown ??= this.#strictest();
      return this.#unknown;
    }
    const known = this.#transfers.get(residency);
    if (known) return known;
    const transfer = transferFor(this.#facts, residency, this.#at);
    this.#transfers.set(residency, transfer);
    return transfer;
  }

  #strictest(): Transfer {
    const countries = this.#facts.law.regimes.flatMap(({ territory }) => territory.map(({ country }) => country));
    const all = [...new Set(countries)].map((country) => this.transfer(country));
    return {
      categories: all.reduce((sum, { categories }) => sum & categories, ALL_BITS),
      named: none,
      refusal: { code: 'TRANSFER_NOT_AUTHORIZED', rule: 'GDPR Art. 44: no country of residence is recorded' },
      bases: [...new Set(all.flatMap(({ bases }) => bases))],
      approvals: [...new Set(all.flatMap(({ approvals }) => approvals))],
      missing: 'a country of residence',
    };
  }
}

/** When a table may change next: by law, certifications, suspensions or approvals. */
export const nextChange = (law: Law, at: number, others: readonly Validity[]): number =>
  nextChangeOf([...validitiesHeld(law), ...others], at);

const validities = new WeakMap<Law, readonly Validity[]>();

function validitiesHeld(law: Law): readonly Validity[] {
  const known = validities.get(law);
  if (known) return known;
  const found = validitiesOf(law);
  validities.set(law, found);
  return found;
}
