import { type GraphQLInterfaceType, type GraphQLSchema, getNamedType, isLeafType, isNonNullType } from 'graphql';
import { argumentFaults } from './argument-checks';
import { methods } from './deidentification/methods';
import { directiveFaults } from './directive-checks';
import { SchemaPolicyError } from './errors';
import { type Fielded, type FieldRule, formOf, isPersonal, Strictness, strictness, weaknesses } from './field-rule';
import { type FieldEntry, FieldTable } from './field-table';
import { PersonalRows } from './personal-rows';
import { type PseudonymKey, pseudonymKeyFaults } from './pseudonym-key';
import { SchemaDirectives } from './schema-directives';
import { vocabularyFaults } from './schema-vocabulary';

/** Options of `govern` that the checks need. */
export interface SchemaOptions {
  readonly ungoverned?: boolean | undefined;
  readonly pseudonymKey?: PseudonymKey | undefined;
}

/**
 * Reads the directives of every field and checks them.
 * @throws {SchemaPolicyError} with every fault, each with its coordinate and the remedy
 */
export function checkedFields(schema: GraphQLSchema, { ungoverned, pseudonymKey }: SchemaOptions): FieldTable {
  refuse(vocabularyFaults(schema));
  const directives = new SchemaDirectives(schema);
  refuse(directiveFaults(directives));
  if (!ungoverned && !directives.isAnnotated()) refuse([nothingGoverned]);
  const table = new FieldTable(schema, directives);
  const pseudonymous = table.entries.filter(({ deidentify }) => deidentify.some(({ by }) => methods[by].keyed));
  refuse([
    ...table.entries.flatMap((entry) => ruleFaults(table, entry)),
    ...table.entries.flatMap((entry) => derivationFaults(table, entry)),
    ...table.types.flatMap((type) => type.getInterfaces().flatMap((parent) => weakerThan(table, type, parent))),
    ...table.types.flatMap((type) => unclassified(table.of(type))),
    ...new PersonalRows(table).faults(),
    ...argumentFaults(table),
    ...pseudonymKeyFaults(
      pseudonymKey,
      pseudonymous.map(({ at }) => at),
    ),
  ]);
  return table;
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new SchemaPolicyError(faults);
}

const nothingGoverned =
  'no element carries a directive of Remit, so everything would be given to everybody; ' +
  'printing a schema by printSchema drops them: print it with its directives, ' +
  'or pass { ungoverned: true } where nothing in it is about people';

function ruleFaults({ directives, purposes }: FieldTable, entry: FieldEntry): string[] {
  const { at, field, rule, nonPersonal, deidentify } = entry;
  const faults: string[] = [];
  if (isNonNullType(field.type) && rule?.rows) {
    faults.push(`${at}: it is non-null, but @personalRows may withhold it; make the field nullable`);
  }
  if (rule?.rows && nonPersonal) faults.push(`${at}: @nonPersonal contradicts @personalRows; keep one`);
  if (!isPersonal(rule)) {
    const strays = ['purposes', 'deidentify', 'requiresAgreement'].filter((name) => directives.has(field, name));
    const remedy = 'add @personalData(category: …) or remove it';
    return [...faults, ...strays.map((name) => `${at}: @${name} stands without @personalData; ${remedy}`)];
  }
  if (nonPersonal) faults.push(`${at}: @nonPersonal contradicts @personalData or @derivedFrom; keep one`);
  faults.push(...domainFaults(at, deidentify));
  for (const purpose of purposes) {
    const by = new Set(deidentify.filter((usage) => usage.for.includes(purpose)).map((usage) => usage.by));
    if (by.size > 1) faults.push(`${at}: ${purpose} is de-identified by ${[...by].join(' and ')}; keep one`);
  }
  for (const { by } of deidentify) {
    const why = methods[by].unsuitable(getNamedType(field.type));
    if (why) faults.push(`${at}: @deidentify(by: ${by}) does not suit ${field.type}; ${why}`);
  }
  if (isNonNullType(field.type)) faults.push(...nonNullFaults(at, rule, purposes));
  return faults;
}

/** All pseudonyms of a field must have one domain, or equal values would not always have equal pseudonyms. */
function domainFaults(at: string, usages: FieldEntry['deidentify']): string[] {
  const faults: string[] = [];
  const pseudonyms = new Set(usages.filter(({ by }) => methods[by].keyed).map(({ domain }) => domain ?? ''));
  const named = usages.flatMap(({ domain }) => domain ?? []);
  if (pseudonyms.size > 1) faults.push(`${at}: its pseudonyms are of several domains; name one on each of them`);
  if (usages.some(({ by, domain }) => !methods[by].keyed && typeof domain === 'string'))
    faults.push(`${at}: @deidentify(domain: …) is for by: PSEUDONYM alone; remove it`);
  if (named.some((domain) => !/^\w+\.\w+$/.test(domain)))
    faults.push(`${at}: @deidentify(domain: …) is the Type.field whose value it identifies, such as "Customer.id"`);
  return faults;
}

/** A non-null field cannot be null when it is withheld, so it needs a de-identified form for that case. */
function nonNullFaults(at: string, rule: FieldRule, purposes: readonly string[]): string[] {
  const remedy = 'make the field nullable';
  const withheld = purposes.filter((purpose) => strictness(rule, purpose) === Strictness.WITHHELD);
  const suppressed = [...rule.deidentify].filter(([, method]) => methods[method].empty).map(([purpose]) => purpose);
  const faults: string[] = [];
  if (withheld.length + suppressed.length > 0) {
    const named = [...withheld, ...suppressed].join(', ');
    faults.push(`${at}: it is non-null, but withheld for ${named}; add @deidentify for these or ${remedy}`);
  }
  if (rule.agreements.length > 0)
    faults.push(`${at}: it is non-null, but @requiresAgreement may withhold it; ${remedy}`);
  if (rule.scopes.length > 0) faults.push(`${at}: it is non-null, but @requiresScopes may withhold it; ${remedy}`);
  if (rule.derivedFrom.length > 0) faults.push(`${at}: it is non-null, but its sources may withhold it; ${remedy}`);
  if (formOf(rule) === undefined) {
    faults.push(
      `${at}: it is non-null, but has no de-identified form for a withheld row; add @deidentify or ${remedy}`,
    );
  }
  return faults;
}

function derivationFaults(table: FieldTable, { at, field, rule }: FieldEntry): string[] {
  const missing = (rule?.derivedFrom ?? []).filter((source) => !table.at(source)?.governed);
  const faults = table.directives
    .usages(field, 'derivedFrom')
    .filter(({ fields }) => (fields as string[]).length === 0)
    .map(() => `${at}: @derivedFrom names no field; name its sources or remove it`);
  faults.push(
    ...missing.map((source) => `${at}: @derivedFrom names ${source}, which is not a governed field; name one that is`),
  );
  if (rule && derivesFrom(table, rule, at)) faults.push(`${at}: @derivedFrom comes back to itself; break the circle`);
  return faults;
}

function derivesFrom(table: FieldTable, rule: FieldRule, target: string, seen = new Set<string>()): boolean {
  const sources = rule.derivedFrom.flatMap((source) => [source, ...table.concrete(source)]);
  return sources.some((source) => {
    if (source === target) return true;
    if (seen.has(source)) return false;
    seen.add(source);
    const next = table.at(source)?.rule;
    return next !== undefined && derivesFrom(table, next, target, seen);
  });
}

/** GHSA-mx7m-j9xf-62hw, GHSA-x33c-7c2v-mrj9: an implementer must repeat the rules of its interface. */
function weakerThan(table: FieldTable, type: Fielded, parent: GraphQLInterfaceType): string[] {
  return table.of(parent).flatMap((inherited) => {
    const own = table.at(`${type.name}.${inherited.field.name}`);
    if (!own) return [];
    const than = inherited.rule;
    const lost = [
      ...(than ? weaknesses(own.rule, than, table.purposes) : []),
      ...(than && own.rule ? lostSources(type, parent, own.rule, than) : []),
      ...lostBindings(table.directives, own, inherited),
    ];
    return lost.map((why) => `${own.at}: weaker than ${inherited.at}: ${why}; repeat the interface's directives`);
  });
}

function lostSources(type: Fielded, parent: Fielded, rule: FieldRule, than: FieldRule): string[] {
  return than.derivedFrom
    .map((source) => ({ source, own: source.replace(`${parent.name}.`, `${type.name}.`) }))
    .filter(({ source, own }) => !rule.derivedFrom.includes(source) && !rule.derivedFrom.includes(own))
    .map(({ source }) => `it lacks @derivedFrom(fields: ["${source}"])`);
}

function lostBindings(directives: SchemaDirectives, { field }: FieldEntry, inherited: FieldEntry): string[] {
  type Binding = { field: string; operators?: string[] };
  return inherited.field.args.flatMap((arg) => {
    const [than] = directives.usages(arg, 'governedBy') as Binding[];
    const mine = field.args.find(({ name }) => name === arg.name);
    const [own] = (mine ? directives.usages(mine, 'governedBy') : []) as Binding[];
    if (!than) return [];
    if (own?.field !== than.field) return [`argument ${arg.name} lacks @governedBy(field: "${than.field}")`];
    const wider =
      than.operators && (!own.operators || own.operators.some((operator) => !than.operators?.includes(operator)));
    return wider ? [`argument ${arg.name} takes more operators than ${than.operators?.join(', ')}`] : [];
  });
}

/** On a type with a personal field, every leaf must be classified. */
function unclassified(fields: readonly FieldEntry[]): string[] {
  if (!fields.some(({ personal }) => personal)) return [];
  return fields
    .filter(({ field, governed, nonPersonal }) => isLeafType(getNamedType(field.type)) && !governed && !nonPersonal)
    .map(({ at }) => `${at}: unclassified beside governed fields; ${classify}`);
}

const classify = 'add @personalData(category: …) or @nonPersonal(because: …)';
