import { createHash } from 'node:crypto';
import { type GraphQLObjectType, type GraphQLSchema, isAbstractType, isNonNullType, isObjectType } from 'graphql';
import { type ArgumentBindings, bindArguments } from './argument-bindings';
import type { Deidentification } from './deidentification/methods';
import { type FieldRule, formOf } from './field-rule';
import type { FieldEntry } from './field-table';
import { PersonalRows } from './personal-rows';
import { checkedFields, type SchemaOptions } from './schema-checks';
import { directiveText } from './schema-directives';

/** One field of one object type that has a rule, with the index it has in tables while requests run. */
export interface Coordinate {
  readonly index: number;
  /** `Type.field`, the object type's name. */
  readonly name: string;
  readonly type: string;
  readonly field: string;
  readonly rule: FieldRule;
  readonly governed: boolean;
  readonly nonNull: boolean;
  /** Within it, equal values have equal pseudonyms. */
  readonly domain: string;
  /** The coordinates whose strictest outcome a derived field inherits. */
  readonly sources: readonly number[];
  /** For a field that leads to rows: coordinates of which at least one must be readable. */
  readonly evidence: readonly number[];
  /** Whether the row that it belongs to may withhold it. A root field belongs to no row. */
  readonly ofRow: boolean;
  /** The method for the stand-in if a row or the law withholds a non-null field. */
  readonly fallback: Deidentification | undefined;
}

/** Everything the schema says about governance, read once at start-up. */
export interface SchemaPolicy {
  readonly schema: GraphQLSchema;
  /** A digest of all rules: equal schemas have equal versions. */
  readonly version: string;
  readonly coordinates: readonly Coordinate[];
  /** The purposes that the schema knows. Any other is granted to nobody. */
  readonly purposes: ReadonlySet<string>;
  coordinate(type: string, field: string): Coordinate | undefined;
  /** The bindings of a field's arguments to the fields they read; undefined if it has none. */
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
      // Sorted, so that the rule that is reported does not depend on the order of the schema.
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
