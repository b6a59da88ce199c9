import type { Deadline } from './deadlines';
import type { Framework } from './frameworks';
import type { Country, Dated, Sourced } from './sourced';
import type { ToolName } from './tools';

/**
 * A body of law that covers the people of some countries: whom it covers, what it says of taking their data elsewhere,
 * and how long a request of theirs may take. One file in regimes/ holds all of it.
 */
export interface Regime extends Sourced {
  readonly id: string;
  readonly name: string;
  /** The countries whose people it covers, each for a time. */
  readonly territory: ReadonlyArray<Dated & { readonly country: Country }>;
  /** Whether data may leave its territory on a lawful basis only. */
  readonly restricts: boolean;
  /** What a decision cites, as the law stood at its moment. */
  readonly articles: ReadonlyArray<Dated & Articles>;
  /** By when a data subject's request must be answered; absent where the law sets no term. */
  readonly requestDeadline?: Deadline;
  /** The article by which another country's court or authority is obeyed under an international agreement only. */
  readonly foreignOrders?: string;
  /** Countries that it finds to protect personal data adequately. */
  readonly adequacy?: readonly Finding[];
  /** The articles that make a mechanism law here. */
  readonly provisions?: Readonly<Partial<Record<ToolName, Provision>>>;
}

/** Articles of a regime: the one that forbids or, where nothing is restricted, says so; the one adequacy rests on. */
export interface Articles {
  readonly transfer: string;
  readonly adequacy?: string;
}

/** What a recipient must be for a finding to carry a transfer to it. */
interface AdequacyCondition {
  /** Frameworks that all must list it at the moment of the transfer. */
  readonly certifications?: readonly Framework[];
  /** The finding covers commercial organisations only. */
  readonly sector?: 'COMMERCIAL';
}

/** A finding that countries protect personal data adequately. */
export interface Finding extends Sourced, Dated {
  /** Names it as a legal basis. */
  readonly id: string;
  readonly destinations: readonly Country[];
  readonly instrument: string;
  readonly scope: string;
  /** The countries of the regime whose people it is for, where it is not for all. */
  readonly exporters?: readonly Country[];
  readonly requires?: AdequacyCondition;
}

/** Where a mechanism is law: by which article. */
export interface Provision extends Sourced, Dated {
  /** Names it as a legal basis. */
  readonly id: string;
  readonly article: string;
}

/** Countries that a regime covers from the same day on. */
export const since = (from: string, ...countries: readonly Country[]) =>
  countries.map((country) => ({ country, from }));
