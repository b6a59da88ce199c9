import type { GraphQLField, GraphQLInterfaceType, GraphQLObjectType } from 'graphql';
import { type Deidentification, methods } from './deidentification/methods';
import type { SchemaDirectives } from './schema-directives';

/** A type that has fields to be read. */
export type Fielded = GraphQLObjectType | GraphQLInterfaceType;
export type Field = GraphQLField<unknown, unknown>;

/** What the directives on one field say, whoever asks. */
export interface FieldRule {
  /** Undefined for a derived field without a category of its own, and for a field with scopes only. */
  readonly category: string | undefined;
  readonly subject: string | undefined;
  /** Whether it leads to rows about people. It may be read if anything of them may. */
  readonly rows: boolean;
  /** Purposes that read it in the clear; undefined if the sources of a derived field decide. */
  readonly allow: ReadonlySet<string> | undefined;
  readonly deidentify: ReadonlyMap<string, Deidentification>;
  /** What a pseudonym of the value identifies, if the field says so. If not, the field is a domain of its own. */
  readonly domain: string | undefined;
  readonly agreements: readonly string[];
  /** All requirements must be met, each by one of its alternatives. */
  readonly scopes: ReadonlyArray<ReadonlyArray<readonly string[]>>;
  readonly derivedFrom: readonly string[];
}

/** The higher, the less is given. */
export enum Strictness {
  CLEAR = 0,
  DEIDENTIFIED = 1,
  WITHHELD = 2,
}

/** The arguments of one @deidentify. */
export interface DeidentifyUsage {
  readonly for: readonly string[];
  readonly by: Deidentification;
  readonly domain?: string | null;
}

/** Reads the rule of a field from its directives; undefined if nothing governs it. */
export function readFieldRule(directives: SchemaDirectives, type: Fielded, field: Field): FieldRule | undefined {
  const usages = (name: string) => directives.usages(field, name);
  const [personal] = usages('personalData') as Array<{ category: string; subject: string }>;
  const [rows] = usages('personalRows') as Array<{ subject: string }>;
  const [purposes] = usages('purposes') as Array<{ allow: string[] }>;
  const derived = usages('derivedFrom') as Array<{ fields: string[] }>;
  const scopes = [...directives.usages(type, 'requiresScopes'), ...usages('requiresScopes')] as Array<{
    scopes: string[][];
  }>;
  if (!personal && !rows && derived.length === 0 && scopes.length === 0) return undefined;

  const deidentify = new Map<string, Deidentification>();
  let domain: string | undefined;
  for (const usage of usages('deidentify') as unknown as DeidentifyUsage[]) {
    for (const purpose of usage.for) deidentify.set(purpose, usage.by);
    domain ??= usage.domain ?? undefined;
  }
  const agreements = usages('requiresAgreement') as Array<{ kind: string }>;
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

/** A field is governed if it holds personal data or leads to some. One that only asks for a scope is not. */
export function isGoverned(rule: FieldRule | undefined): rule is FieldRule {
  return rule !== undefined && (rule.rows || isPersonal(rule));
}

/** Whether a field's own value is personal data, or derives from some. */
export function isPersonal(rule: FieldRule | undefined): rule is FieldRule {
  return rule !== undefined && (rule.category !== undefined || rule.derivedFrom.length > 0);
}

/** What the field's own directives allow for a purpose, without agreements and scopes. */
export function strictness(rule: FieldRule, purpose: string): Strictness {
  if (rule.deidentify.has(purpose)) return Strictness.DEIDENTIFIED;
  return rule.allow === undefined || rule.allow.has(purpose) ? Strictness.CLEAR : Strictness.WITHHELD;
}

/** The method that makes the stand-in for a withheld, non-null value. */
export const formOf = ({ deidentify }: FieldRule): Deidentification | undefined =>
  [...deidentify.values()].find((method) => !methods[method].empty);

/** How a rule gives more than the one it must be at least as strict as. */
export function weaknesses(rule: FieldRule | undefined, than: FieldRule, purposes: readonly string[]): string[] {
  if (!rule) return ['it carries no directive of its own'];
  if (isPersonal(than) && !isPersonal(rule)) return ['it carries no @personalData'];
  if (than.rows && !isGoverned(rule)) return ['it carries no @personalRows'];
  const found: string[] = [];
  for (const purpose of isGoverned(than) ? purposes : []) {
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
