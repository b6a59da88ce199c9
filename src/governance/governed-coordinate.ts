import { type Deidentification, methods } from './deidentification/methods';
import { type FieldRule, Strictness, strictness } from './field-rule';
import type { Coordinate, SchemaPolicy } from './schema-policy';

/** What the schema says of one coordinate, for whoever lists, compares or documents policies. */
export interface GovernedCoordinate {
  /** `Type.field` */
  readonly coordinate: string;
  /** null where the field only asks for a scope, leads to rows of several, or derives its governance from its sources. */
  readonly category: string | null;
  readonly subject: string | null;
  /** Whether it leads to rows about subjects: `allow` and `requiresAgreement` are then those of what they hold. */
  readonly rows: boolean;
  readonly allow: readonly string[];
  readonly deidentify: Readonly<Partial<Record<string, Deidentification>>>;
  readonly requiresAgreement: readonly string[];
  readonly requiresScopes: ReadonlyArray<ReadonlyArray<readonly string[]>>;
  readonly derivedFrom: readonly string[];
}

/** Every coordinate of a policy that a rule stands on, in the schema's order. */
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

/** Of rows, by what they hold: the purposes that read any of it by a rule of its own, and what all of it needs. */
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

/** A form that only stands for what is withheld is nothing. */
const mostFor = (rule: FieldRule, purpose: string, nonNull: boolean): Strictness =>
  nonNull || tellsNothing(rule.deidentify.get(purpose)) ? Strictness.CLEAR : Strictness.DEIDENTIFIED;

const tellsNothing = (method: Deidentification | undefined): boolean => method !== undefined && methods[method].empty;
