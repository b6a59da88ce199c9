import { createHash } from 'node:crypto';
import { type GraphQLObjectType, type GraphQLSchema, isAbstractType, isNonNullType, isObjectType } from 'graphql';
import { type ArgumentBindings, bindArguments } from './argument-bindings';
import type { Deidentification } from './deidentification/methods';
import { type FieldRule, formOf } from './field-rule';
import type { FieldEntry } from './field-table';
import { PersonalRows } from './personal-rows';
import { checkedFields, type SchemaOptions } from './schema-checks';
import { directiveText } from './schema-directives';

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
  /** The purposes that the schema knows; what is stated and is none of them is granted to nobody. */
  readonly purposes: ReadonlySet<string>;
  coordinate(type: string, field: string): Coordinate | undefined;
  /** The bindings of a field's arguments to the fields they read; undefined where it has none. */
  bindings(type: string, field: string): ArgumentBindings | undefined;
  /** The object types that a value of the named output type may be. */
  possibleTypes(name: string): readonly GraphQLObjectType[];
}

/**
 * Turns a schema's directives into its policy.
 * @throws {SchemaPolicyError} with every fault found, each naming a coordinate and the remedy
 */
export function readSchemaPolicy(schema: GraphQLSchema, options: SchemaOptions = {}): SchemaPolicy {
  const table = checkedFields(schema, options);
  const byName = new Map<string, Coordinate>();
  const bindings = new Map<string, ArgumentBindings>();
  const rows = new PersonalRows(table);
  for (const entry of table.entries) {
    if (!isObjectType(entry.type)) continue;
    if (entry.rule) byName.set(entry.at, coordinateOf(byName.size, entry, entry.rule));
    const bound = bindArguments(table.directives, entry.field);
    if (bound) bindings.set(entry.at, bound);
  }
  const indicesOf = (names: readonly string[]) => names.flatMap((name) => byName.get(name)?.index ?? []);
  for (const { at, type, field, rule, personal } of table.entries) {
    const coordinate = byName.get(at);
    if (!coordinate || !isObjectType(type)) continue;
    const sources = indicesOf(coordinate.rule.derivedFrom.flatMap((name) => table.concrete(name)));
    if (!rule?.rows) byName.set(at, { ...coordinate, sources });
    else {
      // In an order of its own, so that what is said of them does not depend on how the schema was put together.
      const evidence = indicesOf(
        rows
          .evidenceFor(type, field)
          .map((one) => one.at)
          .sort(),
      );
      byName.set(at, { ...coordinate, sources, evidence, ofRow: personal || rows.holds(type) });
    }
  }
  return {
    schema,
    version: createHash('sha256').update(directiveText(schema)).digest('base64url').slice(0, 16),
    coordinates: [...byName.values()],
    purposes: new Set(table.purposes),
    ...lookups(schema, byName, bindings),
  };
}

function lookups(
  schema: GraphQLSchema,
  byName: ReadonlyMap<string, Coordinate>,
  bindings: ReadonlyMap<string, ArgumentBindings>,
): Pick<SchemaPolicy, 'coordinate' | 'bindings' | 'possibleTypes'> {
  const possible = new Map<string, readonly GraphQLObjectType[]>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type)) possible.set(type.name, [type]);
    else if (isAbstractType(type)) possible.set(type.name, schema.getPossibleTypes(type));
  }
  return {
    coordinate: (type, field) => byName.get(`${type}.${field}`),
    bindings: (type, field) => bindings.get(`${type}.${field}`),
    possibleTypes: (name) => possible.get(name) ?? [],
  };
}

function coordinateOf(index: number, { at, type, field, governed }: FieldEntry, rule: FieldRule): Coordinate {
  return {
    index,
    name: at,
    type: type.name,
    field: field.name,
    rule,
    governed,
    nonNull: isNonNullType(field.type),
    domain: rule.domain ?? at,
    sources: [],
    evidence: [],
    ofRow: governed,
    fallback: formOf(rule),
  };
}
