import { type FieldRule, Strictness, strictness } from './field-rule';
import type { Coordinate } from './schema-policy';
import {
  type AgreementKind,
  allPurposes,
  type DataCategory,
  type DataSubject,
  type Deidentification,
  type ProcessingPurpose,
} from './vocabulary';

/** What the schema says of one coordinate, for whoever lists, compares or documents policies. */
export interface GovernedCoordinate {
  /** `Type.field` */
  readonly coordinate: string;
  /** null where the field only asks for a scope, leads to rows of several, or derives its governance from its sources. */
  readonly category: DataCategory | null;
  readonly subject: DataSubject | null;
  /** Whether it leads to rows about subjects: `allow` and `requiresAgreement` are then those of what they hold. */
  readonly rows: boolean;
  readonly allow: readonly ProcessingPurpose[];
  readonly deidentify: Readonly<Partial<Record<ProcessingPurpose, Deidentification>>>;
  readonly requiresAgreement: readonly AgreementKind[];
  readonly requiresScopes: ReadonlyArray<ReadonlyArray<readonly string[]>>;
  readonly derivedFrom: readonly string[];
}

export function publicCoordinate(
  { name, rule, evidence }: Coordinate,
  _index: number,
  coordinates: readonly Coordinate[],
): GovernedCoordinate {
  const behind = evidence.flatMap((index) => coordinates[index] ?? []);
  const ofRows = rule.category === undefined && behind.length > 0 ? rowsRule(behind) : undefined;
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
function rowsRule(behind: readonly Coordinate[]) {
  const rules = behind.map(({ rule }) => rule);
  const [first] = rules;
  const readable = (purpose: ProcessingPurpose) =>
    behind.some(
      ({ rule, nonNull }) => rule.allow !== undefined && strictness(rule, purpose) <= mostFor(rule, purpose, nonNull),
    );
  return {
    category: rules.every(({ category }) => category === first?.category) ? first?.category : undefined,
    allow: allPurposes.filter(readable),
    agreements: (first?.agreements ?? []).filter((kind) => rules.every(({ agreements }) => agreements.includes(kind))),
  };
}

/** A form that only stands for what is withheld is nothing. */
const mostFor = (rule: FieldRule, purpose: ProcessingPurpose, nonNull: boolean): Strictness =>
  nonNull || rule.deidentify.get(purpose) === 'SUPPRESS' ? Strictness.CLEAR : Strictness.DEIDENTIFIED;
