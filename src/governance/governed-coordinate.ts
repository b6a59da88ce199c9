import { type Deidentification, methods } from './deidentification/methods';
import { type FieldRule, Strictness, strictness } from './field-rule';
import type { Coordinate, SchemaPolicy } from './schema-policy';

/** What the schema says about one coordinate, to list, compare or document policies. */
export interface GovernedCoordinate {
  /** `Type.field` */
  readonly coordinate: string;
  /** null for a field with scopes only, that leads to rows of several categories, or that is derived. */
  readonly category: string | null;
  readonly subject: string | null;
  /** Whether it leads to rows about people. `allow` and `requiresAgreement` then sum up the fields of these rows. */
  readonly rows: boolean;
  readonly allow: readonly string[];
  readonly deidentify: Readonly<Partial<Record<string, Deidentification>>>;
  readonly requiresAgreement: readonly string[];
  readonly requiresScopes: ReadonlyArray<ReadonlyArray<readonly string[]>>;
  readonly derivedFrom: readonly string[];
}

/** Every coordinate of a policy, in the schema's order. */
export const publicCoordinates = (policy: SchemaPolicy): GovernedCoordinate[] =>
  policy.coordinates.map((coordinate) => publicCoordinate(policy, coordinate));

function publicCoordinate(policy: SchemaPolicy, { name, rule, evidence }: Coordinate): GovernedCoordinate {
  const behind = evidence.flatMap((index) => policy.coordinates[index] ?? []);
  const ofRows = rule.category === undefined && behind.length > 0 ? rowsRule(behind, policy.purposes) : undefined;
  return {
    coordinate: name,
    category: rule.category ?? ofRows?.category ?? null,
    subject: rule.subject ?? null,
    rows: rule.rows,
    allow: ofRows?.allow ?? [...(rule.allow ?? [])],
    deidentify: Object.fromEntries(rule.deidentify),
    requiresAgreement: ofRows?.agreements ?? rule.agreements,
    requiresScopes: rule.scopes,
    derivedFrom: rule.derivedFrom,
  };
}

/** Sums up the fields of rows: the purposes that may read any of them, and the agreements that all of them need. */
function rowsRule(behind: readonly Coordinate[], purposes: ReadonlySet<string>) {
  const rules = behind.map(({ rule }) => rule);
  const [first] = rules;
  const readable = (purpose: string) =>
    behind.some(
      ({ rule, nonNull }) => rule.allow !== undefined && strictness(rule, purpose) <= mostFor(rule, purpose, nonNull),
    );
  return {
    category: rules.every(({ category }) => category === first?.category) ? first?.category : undefined,
    allow: [...purposes].filter(readable),
    agreements: (first?.agreements ?? []).filter((kind) => rules.every(({ agreements }) => agreements.includes(kind))),
  };
}

/** A stand-in for a withheld value does not count as readable. */
const mostFor = (rule: FieldRule, purpose: string, nonNull: boolean): Strictness =>
  nonNull || tellsNothing(rule.deidentify.get(purpose)) ? Strictness.CLEAR : Strictness.DEIDENTIFIED;

const tellsNothing = (method: Deidentification | undefined): boolean => method !== undefined && methods[method].empty;
