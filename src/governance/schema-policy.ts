import { createHash } from 'node:crypto';
import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { type ArgumentBindings, bindArguments } from './argument-bindings';
import { directiveText } from './directive-usages';
import { SchemaPolicyError } from './errors';
import { concreteCoordinates, type FieldRule, isGoverned, isPersonal, readFieldRule } from './field-rule';
import { PersonalRows } from './personal-rows';
import { schemaFaults } from './schema-checks';
import type { Deidentification } from './vocabulary';

/** One field of one object type that a rule stands on, and the small integer it is known by while requests run. */
export interface Coordinate {
  readonly index: number;
  /** `Type.field`, the object type's name. */
  readonly name: string;
  readonly type: string;
  readonly field: string;
  readonly rule: FieldRule;
  readonly governed: boolean;
  readonly nonNull: boolean;
  /** Equal values have equal pseudonyms within it. */
  readonly domain: string;
  /** Coordinates whose strictest outcome a derived field inherits. */
  readonly sources: readonly number[];
  /** Of a field that leads to rows: those of which one has to be readable, or nobody is told of any. */
  readonly evidence: readonly number[];
  /** Whether the row that the field stands on may withhold it; a way in from outside stands on nobody's. */
  readonly ofRow: boolean;
  /** The de-identified form that a non-null field takes where a row, or the law, withholds it. */
  readonly fallback: Deidentification | undefined;
}

/** Everything the schema says about governance, read once at start-up. */
export interface SchemaPolicy {
  readonly schema: GraphQLSchema;
  /** A digest of all rules: equal schemas have equal versions. */
  readonly version: string;
  readonly coordinates: readonly Coordinate[];
  coordinate(type: string, field: string): Coordinate | undefined;
  /** The bindings of a field's arguments to the fields they read; undefined where it has none. */
  bindings(type: string, field: string): ArgumentBindings | undefined;
  /** The object types that a value of the named output type may be. */
  possibleTypes(name: string): readonly GraphQLObjectType[];
}

/**
 * Turns a schema's directives into its policy.
 * @param ungoverned the caller knows that nothing of the schema is governed
 * @throws {SchemaPolicyError} with every fault found, each naming a coordinate and the remedy
 */
export function readSchemaPolicy(schema: GraphQLSchema, ungoverned = false): SchemaPolicy {
  const faults = schemaFaults(schema, ungoverned);
  if (faults.length > 0) throw new SchemaPolicyError(faults);

  const byName = new Map<string, Coordinate>();
  const bindings = new Map<string, ArgumentBindings>();
  for (const { type, field } of objectFields(schema)) {
    const rule = readFieldRule(type, field);
    if (rule) byName.set(`${type.name}.${field.name}`, coordinateOf(byName.size, type, field, rule));
    const bound = bindArguments(field);
    if (bound) bindings.set(`${type.name}.${field.name}`, bound);
  }
  const rows = new PersonalRows(schema);
  for (const { type, field } of objectFields(schema)) {
    const coordinate = byName.get(`${type.name}.${field.name}`);
    if (!coordinate?.rule.rows) continue;
    const names = rows.evidenceFor(type, field).map((one) => `${one.type.name}.${one.field.name}`);
    // In an order of its own, so that what is said of them does not depend on how the schema was put together.
    const evidence = names.sort().flatMap((name) => byName.get(name)?.index ?? []);
    const ofRow = isPersonal(coordinate.rule) || rows.holds(type);
    byName.set(coordinate.name, { ...coordinate, evidence, ofRow });
  }
  const coordinates = [...byName.values()].map((coordinate) => ({
    ...coordinate,
    sources: coordinate.rule.derivedFrom
      .flatMap((name) => concreteCoordinates(schema, name))
      .flatMap((name) => byName.get(name)?.index ?? []),
  }));
  const possible = new Map<string, readonly GraphQLObjectType[]>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type)) possible.set(type.name, [type]);
    else if (isAbstractType(type)) possible.set(type.name, schema.getPossibleTypes(type));
  }
  const index = new Map(coordinates.map((coordinate) => [coordinate.name, coordinate]));
  return {
    schema,
    version: createHash('sha256').update(directiveText(schema)).digest('base64url').slice(0, 16),
    coordinates,
    coordinate: (type, field) => index.get(`${type}.${field}`),
    bindings: (type, field) => bindings.get(`${type}.${field}`),
    possibleTypes: (name) => possible.get(name) ?? [],
  };
}

function coordinateOf(
  index: number,
  type: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
  rule: FieldRule,
): Coordinate {
  return {
    index,
    name: `${type.name}.${field.name}`,
    type: type.name,
    field: field.name,
    rule,
    governed: isGoverned(rule),
    nonNull: isNonNullType(field.type),
    domain: rule.domain ?? `${type.name}.${field.name}`,
    sources: [],
    evidence: [],
    ofRow: isGoverned(rule),
    fallback: [...rule.deidentify.values()].find((method) => method !== 'SUPPRESS'),
  };
}

function* objectFields(
  schema: GraphQLSchema,
): Generator<{ type: GraphQLObjectType; field: GraphQLField<unknown, unknown> }> {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) yield { type, field };
  }
}
