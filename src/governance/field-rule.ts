import {
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isInterfaceType,
} from 'graphql';
import { usages } from './directive-usages';
import {
  type AgreementKind,
  allPurposes,
  type DataCategory,
  type DataSubject,
  type Deidentification,
  type ProcessingPurpose,
} from './vocabulary';

/** What the directives on one field say, before anything is known of the caller. */
export interface FieldRule {
  /** Absent on a derived field that names no category of its own, and on a field that is only scoped. */
  readonly category: DataCategory | undefined;
  readonly subject: DataSubject | undefined;
  /** It leads to rows about subjects, and is read where something of them may be. */
  readonly rows: boolean;
  /** Purposes that read it in the clear; undefined leaves it to the sources of a derived field. */
  readonly allow: ReadonlySet<ProcessingPurpose> | undefined;
  readonly deidentify: ReadonlyMap<ProcessingPurpose, Deidentification>;
  /** What a pseudonym of the value identifies, where the field says so; else the field is a domain of its own. */
  readonly domain: string | undefined;
  readonly agreements: readonly AgreementKind[];
  /** Each alternative of each requirement: all requirements must be met, each by one of its alternatives. */
  readonly scopes: ReadonlyArray<ReadonlyArray<readonly string[]>>;
  readonly derivedFrom: readonly string[];
}

/** Strictness of an outcome: the higher gives less. */
export enum Strictness {
  CLEAR = 0,
  DEIDENTIFIED = 1,
  WITHHELD = 2,
}

/** Reads the rule of a field off its directives, or undefined where nothing governs it. */
export function readFieldRule(
  type: GraphQLObjectType | GraphQLInterfaceType,
  field: GraphQLField<unknown, unknown>,
): FieldRule | undefined {
  const [personal] = usages(field, 'personalData') as Array<{ category: DataCategory; subject: DataSubject }>;
  const [rows] = usages(field, 'personalRows') as Array<{ subject: DataSubject }>;
  const [purposes] = usages(field, 'purposes') as Array<{ allow: ProcessingPurpose[] }>;
  const derived = usages(field, 'derivedFrom') as Array<{ fields: string[] }>;
  const scopes = [...usages(type, 'requiresScopes'), ...usages(field, 'requiresScopes')] as Array<{
    scopes: string[][];
  }>;
  if (!personal && !rows && derived.length === 0 && scopes.length === 0) return undefined;

  const deidentify = new Map<ProcessingPurpose, Deidentification>();
  let domain: string | undefined;
  for (const usage of usages(field, 'deidentify') as Array<{
    for: ProcessingPurpose[];
    by: Deidentification;
    domain?: string | null;
  }>) {
    for (const purpose of usage.for) deidentify.set(purpose, usage.by);
    domain ??= usage.domain ?? undefined;
  }
  const agreements = usages(field, 'requiresAgreement') as Array<{ kind: AgreementKind }>;
  return {
    category: personal?.category,
    subject: personal?.subject ?? rows?.subject,
    rows: rows !== undefined,
    allow: purposes ? new Set(purposes.allow) : personal && derived.length === 0 ? new Set() : undefined,
    deidentify,
    domain,
    agreements: agreements.map(({ kind }) => kind),
    scopes: scopes.map((usage) => usage.scopes),
    derivedFrom: derived.flatMap(({ fields }) =>
      fields.map((name) => (name.includes('.') ? name : `${type.name}.${name}`)),
    ),
  };
}

/** The coordinates that a `Type.field` stands for: itself, or the same field of each type that implements the interface. */
export function concreteCoordinates(schema: GraphQLSchema, coordinate: string): string[] {
  const [typeName = '', field = ''] = coordinate.split('.');
  const type = schema.getType(typeName);
  return isInterfaceType(type) ? schema.getPossibleTypes(type).map(({ name }) => `${name}.${field}`) : [coordinate];
}

/** A field is governed when it holds personal data or leads to some; one that only asks for a scope is not. */
export function isGoverned(rule: FieldRule | undefined): rule is FieldRule {
  return rule !== undefined && (rule.rows || isPersonal(rule));
}

/** Whether a field's own value is personal data, or derives from some. */
export function isPersonal(rule: FieldRule | undefined): rule is FieldRule {
  return rule !== undefined && (rule.category !== undefined || rule.derivedFrom.length > 0);
}

/** What the field's own directives give for a purpose, agreements and scopes aside. */
export function strictness(rule: FieldRule, purpose: ProcessingPurpose): Strictness {
  if (rule.deidentify.has(purpose)) return Strictness.DEIDENTIFIED;
  return rule.allow === undefined || rule.allow.has(purpose) ? Strictness.CLEAR : Strictness.WITHHELD;
}

/** Ways in which a rule gives more than the one it has to be at least as strict as. */
export function weaknesses(rule: FieldRule | undefined, than: FieldRule): string[] {
  if (!rule) return ['it carries no directive of its own'];
  if (isPersonal(than) && !isPersonal(rule)) return ['it carries no @personalData'];
  if (than.rows && !isGoverned(rule)) return ['it carries no @personalRows'];
  const found: string[] = [];
  for (const purpose of isGoverned(than) ? allPurposes : []) {
    const own = strictness(rule, purpose);
    const other = strictness(than, purpose);
    if (own < other) found.push(`${purpose} reads it ${Strictness[own]} instead of ${Strictness[other]}`);
    else if (own === Strictness.DEIDENTIFIED && rule.deidentify.get(purpose) !== than.deidentify.get(purpose)) {
      found.push(`${purpose} reads it by ${rule.deidentify.get(purpose)} instead of ${than.deidentify.get(purpose)}`);
    }
  }
  for (const kind of than.agreements) {
    if (!rule.agreements.includes(kind)) found.push(`it lacks @requiresAgreement(kind: ${kind})`);
  }
  for (const requirement of than.scopes) {
    const met = rule.scopes.some((own) =>
      own.every((mine) => requirement.some((theirs) => theirs.every((s) => mine.includes(s)))),
    );
    if (!met) found.push(`it lacks @requiresScopes(scopes: ${JSON.stringify(requirement)})`);
  }
  return found;
}
