import {
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { argumentFaults } from './argument-checks';
import { directiveFaults, isAnnotated, usages } from './directive-usages';
import {
  concreteCoordinates,
  type FieldRule,
  isGoverned,
  isPersonal,
  readFieldRule,
  Strictness,
  strictness,
  weaknesses,
} from './field-rule';
import { PersonalRows } from './personal-rows';
import { allPurposes, type Deidentification } from './vocabulary';

type Fielded = GraphQLObjectType | GraphQLInterfaceType;
type Field = GraphQLField<unknown, unknown>;

/**
 * Every reason why a schema's governance may not be relied on; each names a coordinate and the remedy.
 * @param ungoverned the caller knows that nothing of the schema is governed
 */
export function schemaFaults(schema: GraphQLSchema, ungoverned: boolean): string[] {
  const spelling = directiveFaults(schema);
  if (spelling.length > 0) return spelling;
  if (!ungoverned && !isAnnotated(schema)) return [nothingGoverned];
  const types = Object.values(schema.getTypeMap()).filter(
    (type): type is Fielded => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'),
  );
  const governedTypes = types.filter((type) => fieldsOf(type).some((field) => isPersonal(readFieldRule(type, field))));
  return [
    ...types.flatMap((type) => fieldsOf(type).flatMap((field) => ruleFaults(type, field))),
    ...types.flatMap((type) => derivationFaults(schema, type)),
    ...types.flatMap((type) => type.getInterfaces().flatMap((parent) => weakerThan(type, parent))),
    ...governedTypes.flatMap(unclassified),
    ...new PersonalRows(schema).faults(),
    ...argumentFaults(schema, governedTypes),
  ];
}

const nothingGoverned =
  'no element carries a directive of Remit, so everything would be given to everybody; printing a schema by printSchema ' +
  'drops them: print it with its directives, or pass { ungoverned: true } where nothing in it is about people';

const fieldsOf = (type: Fielded): Field[] => Object.values(type.getFields());

function ruleFaults(type: Fielded, field: Field): string[] {
  const at = `${type.name}.${field.name}`;
  const rule = readFieldRule(type, field);
  const faults: string[] = [];
  const stray = ['purposes', 'deidentify', 'requiresAgreement'].filter((name) => usages(field, name).length > 0);
  if (isNonNullType(field.type) && rule?.rows) {
    faults.push(`${at}: it is non-null, but @personalRows may withhold it; make the field nullable`);
  }
  if (rule?.rows && usages(field, 'nonPersonal').length > 0) {
    faults.push(`${at}: @nonPersonal contradicts @personalRows; keep one`);
  }
  if (!isPersonal(rule)) {
    const strays = stray.map(
      (name) => `${at}: @${name} stands without @personalData; add @personalData(category: …) or remove it`,
    );
    return [...faults, ...strays];
  }
  if (usages(field, 'nonPersonal').length > 0) {
    faults.push(`${at}: @nonPersonal contradicts @personalData or @derivedFrom; keep one`);
  }
  const methods = usages(field, 'deidentify') as Array<{
    for: string[];
    by: Deidentification;
    domain?: string | null;
  }>;
  faults.push(...domainFaults(at, methods));
  for (const purpose of allPurposes) {
    const by = new Set(methods.filter((usage) => usage.for.includes(purpose)).map((usage) => usage.by));
    if (by.size > 1) faults.push(`${at}: ${purpose} is de-identified by ${[...by].join(' and ')}; keep one`);
  }
  for (const { by } of methods) {
    const why = unsuitable(by, field);
    if (why) faults.push(`${at}: @deidentify(by: ${by}) does not suit ${field.type}; ${why}`);
  }
  if (isNonNullType(field.type)) faults.push(...nonNullFaults(at, rule));
  return faults;
}

/** A field has one domain, which all its pseudonyms say: two that differ would join half of what they should. */
function domainFaults(at: string, methods: ReadonlyArray<{ by: Deidentification; domain?: string | null }>): string[] {
  const faults: string[] = [];
  const pseudonyms = new Set(methods.filter(({ by }) => by === 'PSEUDONYM').map(({ domain }) => domain ?? ''));
  const named = methods.flatMap(({ domain }) => domain ?? []);
  if (pseudonyms.size > 1) faults.push(`${at}: its pseudonyms are of several domains; name one on each of them`);
  if (methods.some(({ by, domain }) => by !== 'PSEUDONYM' && typeof domain === 'string'))
    faults.push(`${at}: @deidentify(domain: …) is for by: PSEUDONYM alone; remove it`);
  if (named.some((domain) => !/^\w+\.\w+$/.test(domain)))
    faults.push(`${at}: @deidentify(domain: …) is the Type.field whose value it identifies, such as "Customer.id"`);
  return faults;
}

function unsuitable(method: Deidentification, field: Field): string | undefined {
  if (method === 'SUPPRESS') return undefined;
  const type = getNamedType(field.type);
  if (isCompositeType(type) || isEnumType(type) || type.name === 'Boolean') return 'only SUPPRESS does';
  const numeric = type.name === 'Int' || type.name === 'Float';
  if (method === 'BUCKET' && (type.name === 'String' || type.name === 'ID')) return 'a number is needed';
  if ((method === 'PSEUDONYM' || method === 'PARTIAL') && numeric) return 'a String or an ID is needed';
  return method === 'GENERALIZE' && numeric ? 'BUCKET does' : undefined;
}

/** A non-null field cannot be null when it is withheld, so it must always have something it may say. */
function nonNullFaults(at: string, rule: FieldRule): string[] {
  const remedy = 'make the field nullable';
  const withheld = allPurposes.filter((purpose) => strictness(rule, purpose) === Strictness.WITHHELD);
  const suppressed = [...rule.deidentify].filter(([, method]) => method === 'SUPPRESS').map(([purpose]) => purpose);
  const faults: string[] = [];
  if (withheld.length + suppressed.length > 0) {
    const purposes = [...withheld, ...suppressed].join(', ');
    faults.push(`${at}: it is non-null, but withheld for ${purposes}; add @deidentify for these or ${remedy}`);
  }
  if (rule.agreements.length > 0)
    faults.push(`${at}: it is non-null, but @requiresAgreement may withhold it; ${remedy}`);
  if (rule.scopes.length > 0) faults.push(`${at}: it is non-null, but @requiresScopes may withhold it; ${remedy}`);
  if (rule.derivedFrom.length > 0) faults.push(`${at}: it is non-null, but its sources may withhold it; ${remedy}`);
  if (![...rule.deidentify.values()].some((method) => method !== 'SUPPRESS')) {
    faults.push(
      `${at}: it is non-null, but has no de-identified form for a withheld row; add @deidentify or ${remedy}`,
    );
  }
  return faults;
}

function derivationFaults(schema: GraphQLSchema, type: Fielded): string[] {
  return fieldsOf(type).flatMap((field) => {
    const rule = readFieldRule(type, field);
    const at = `${type.name}.${field.name}`;
    const missing = (rule?.derivedFrom ?? []).filter((source) => !isGoverned(ruleAt(schema, source)));
    const faults = usages(field, 'derivedFrom')
      .filter(({ fields }) => (fields as string[]).length === 0)
      .map(() => `${at}: @derivedFrom names no field; name its sources or remove it`);
    faults.push(
      ...missing.map(
        (source) => `${at}: @derivedFrom names ${source}, which is not a governed field; name one that is`,
      ),
    );
    if (rule && derivesFrom(schema, rule, at))
      faults.push(`${at}: @derivedFrom comes back to itself; break the circle`);
    return faults;
  });
}

function derivesFrom(schema: GraphQLSchema, rule: FieldRule, target: string, seen = new Set<string>()): boolean {
  const sources = rule.derivedFrom.flatMap((source) => [source, ...concreteCoordinates(schema, source)]);
  return sources.some((source) => {
    if (source === target) return true;
    if (seen.has(source)) return false;
    seen.add(source);
    const next = ruleAt(schema, source);
    return next !== undefined && derivesFrom(schema, next, target, seen);
  });
}

function ruleAt(schema: GraphQLSchema, coordinate: string): FieldRule | undefined {
  const { type, field } = locate(schema, coordinate);
  return type && field ? readFieldRule(type, field) : undefined;
}

function locate(schema: GraphQLSchema, coordinate: string): { type?: Fielded; field?: Field } {
  const [typeName = '', fieldName = ''] = coordinate.split('.');
  const type = schema.getType(typeName);
  if (!isObjectType(type) && !isInterfaceType(type)) return {};
  const field = type.getFields()[fieldName];
  return field ? { type, field } : { type };
}

/** GHSA-mx7m-j9xf-62hw, GHSA-x33c-7c2v-mrj9: a rule on the interface that its implementer does not repeat. */
function weakerThan(type: Fielded, parent: GraphQLInterfaceType): string[] {
  return fieldsOf(parent).flatMap((inherited) => {
    const than = readFieldRule(parent, inherited);
    const field = type.getFields()[inherited.name];
    if (!field) return [];
    const rule = readFieldRule(type, field);
    const lost = [
      ...(than ? weaknesses(rule, than) : []),
      ...(than && rule ? lostSources(type, parent, rule, than) : []),
      ...lostBindings(field, inherited),
    ];
    return lost.map(
      (why) =>
        `${type.name}.${field.name}: weaker than ${parent.name}.${field.name}: ${why}; repeat the interface's directives`,
    );
  });
}

function lostSources(type: Fielded, parent: Fielded, rule: FieldRule, than: FieldRule): string[] {
  return than.derivedFrom
    .map((source) => ({ source, own: source.replace(`${parent.name}.`, `${type.name}.`) }))
    .filter(({ source, own }) => !rule.derivedFrom.includes(source) && !rule.derivedFrom.includes(own))
    .map(({ source }) => `it lacks @derivedFrom(fields: ["${source}"])`);
}

function lostBindings(field: Field, inherited: Field): string[] {
  return inherited.args.flatMap((arg) => {
    const [than] = usages(arg, 'governedBy') as Array<{ field: string; operators?: string[] }>;
    const mine = field.args.find(({ name }) => name === arg.name);
    const [own] = (mine ? usages(mine, 'governedBy') : []) as Array<{ field: string; operators?: string[] }>;
    if (!than) return [];
    if (own?.field !== than.field) return [`argument ${arg.name} lacks @governedBy(field: "${than.field}")`];
    const wider =
      than.operators && (!own.operators || own.operators.some((operator) => !than.operators?.includes(operator)));
    return wider ? [`argument ${arg.name} takes more operators than ${than.operators?.join(', ')}`] : [];
  });
}

function unclassified(type: Fielded): string[] {
  return fieldsOf(type)
    .filter((field) => isLeafType(getNamedType(field.type)) && !isGoverned(readFieldRule(type, field)))
    .filter((field) => usages(field, 'nonPersonal').length === 0)
    .map(
      (field) =>
        `${type.name}.${field.name}: unclassified beside governed fields; add @personalData(category: …) or @nonPersonal(because: …)`,
    );
}
