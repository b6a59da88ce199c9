import type { RowRefusal } from '../governance/govern';
import { type DataCategory, dataCategories, type ProcessingPurpose } from '../governance/vocabulary';
import { changesOfLaw, type Law } from '../law/law';
import { findByLaw, provisionOf, type Recipient, regimeOf, type Suspension, suspendedAt } from '../law/transfer';

/** An approval as decisions need it, its course aside. */
export interface ApprovedTerms {
  readonly id: string;
  readonly destinationCountry: string;
  readonly categories: readonly DataCategory[];
  readonly purposes: readonly ProcessingPurpose[];
  readonly mechanism: string;
  readonly sccModule: number | null;
  /** null is every country whose law knows the mechanism. */
  readonly residencies: readonly string[] | null;
  /** null is everybody. */
  readonly subjects: ReadonlySet<string> | null;
}

/** What decisions on the rows of one client, for one recipient and purpose, rest on. */
export interface TransferFacts {
  readonly law: Law;
  readonly recipient: Recipient;
  readonly purpose: string | undefined;
  /** Those of this client and recipient that are ACTIVE at the moment. */
  readonly approvals: readonly ApprovedTerms[];
  readonly suspensions: readonly Suspension[];
}

/** What may be read of the people of one country. */
export interface Transfer {
  /** A bit for each category; {@link everyCategory} for all of them, and for data of no category. */
  readonly categories: number;
  /** More categories of people whom an approval names. */
  readonly named: ReadonlyMap<string, number>;
  readonly refusal: Exclude<RowRefusal, string>;
  /** What carries it, as rules are cited; empty where nothing is carried across a border. */
  readonly bases: readonly string[];
  /** Approvals among them. */
  readonly approvals: readonly string[];
  /** What is missing, for an officer to read; empty where everything may be read. */
  readonly missing: string;
}

/** Every bit, of categories that there will be too. */
export const everyCategory = -1;

const bits: ReadonlyMap<string, number> = new Map(
  Object.keys(dataCategories).map((category, index) => [category, 1 << index]),
);

/** The bit of a category; data of none needs every category. */
export const bitOf = (category: string | undefined): number =>
  category === undefined ? everyCategory : (bits.get(category) ?? everyCategory);

export const bitsOf = (categories: readonly DataCategory[]): number =>
  categories.reduce((sum, category) => sum | bitOf(category), 0);

/** Whether all the categories of `wanted` are within `held`. */
export const covers = (held: number, wanted: number): boolean => (held & wanted) === wanted;

/** What may be read of the people of a country at a moment: by law, or else by approvals. */
export function transferFor(facts: TransferFacts, residency: string, at: number): Transfer {
  const { law, recipient, suspensions, purpose } = facts;
  const found = findByLaw(law, residency, recipient, at, suspensions);
  const refusal = { code: 'TRANSFER_NOT_AUTHORIZED', rule: found.rule };
  if (found.lawful) {
    const bases = found.basis === 'ADEQUACY' ? [found.rule] : [];
    return { categories: everyCategory, named: none, refusal, bases, approvals: [], missing: '' };
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

/** Whether an approval's mechanism is law where the people of a country are covered. */
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
 * The table of one client, recipient and purpose: residency → what may be read. A row costs a look-up; a country is
 * worked out when its first row comes.
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

  /** @param residency null where none is recorded: then whatever any regime held here asks for has to be met */
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
      categories: all.reduce((sum, { categories }) => sum & categories, everyCategory),
      named: none,
      refusal: { code: 'TRANSFER_NOT_AUTHORIZED', rule: 'GDPR Art. 44: no country of residence is recorded' },
      bases: [...new Set(all.flatMap(({ bases }) => bases))],
      approvals: [...new Set(all.flatMap(({ approvals }) => approvals))],
      missing: 'a country of residence',
    };
  }
}

/** The next moment after which a table may be another: law, certifications, suspensions or approvals change. */
export function nextChange(
  law: Law,
  at: number,
  windows: ReadonlyArray<{ readonly from: number; readonly to: number | null }>,
): number {
  const moments = [...lawChanges(law), ...windows.flatMap(({ from, to }) => (to === null ? [from] : [from, to]))];
  return moments.reduce((next, moment) => (moment > at && moment < next ? moment : next), Number.POSITIVE_INFINITY);
}

const changes = new WeakMap<Law, readonly number[]>();

function lawChanges(law: Law): readonly number[] {
  const known = changes.get(law);
  if (known) return known;
  const found = changesOfLaw(law);
  changes.set(law, found);
  return found;
}
