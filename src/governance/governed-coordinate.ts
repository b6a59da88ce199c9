import type { Coordinate } from './schema-policy';
import type { AgreementKind, DataCategory, DataSubject, Deidentification, ProcessingPurpose } from './vocabulary';

/** What the schema says of one coordinate, for whoever lists, compares or documents policies. */
export interface GovernedCoordinate {
  /** `Type.field` */
  readonly coordinate: string;
  /** null where the field only asks for a scope, or derives its governance from its sources. */
  readonly category: DataCategory | null;
  readonly subject: DataSubject | null;
  readonly allow: readonly ProcessingPurpose[];
  readonly deidentify: Readonly<Partial<Record<ProcessingPurpose, Deidentification>>>;
  readonly requiresAgreement: readonly AgreementKind[];
  readonly requiresScopes: ReadonlyArray<ReadonlyArray<readonly string[]>>;
  readonly derivedFrom: readonly string[];
}

export function publicCoordinate({ name, rule }: Coordinate): GovernedCoordinate {
  return {
    coordinate: name,
    category: rule.category ?? null,
    subject: rule.subject ?? null,
    allow: [...(rule.allow ?? [])],
    deidentify: Object.fromEntries(rule.deidentify),
    requiresAgreement: rule.agreements,
    requiresScopes: rule.scopes,
    derivedFrom: rule.derivedFrom,
  };
}
