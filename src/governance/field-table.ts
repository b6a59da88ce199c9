import { type GraphQLSchema, isInterfaceType, isObjectType } from 'graphql';
import {
  type DeidentifyUsage,
  type Field,
  type Fielded,
  type FieldRule,
  isGoverned,
  isPersonal,
  readFieldRule,
} from './field-rule';
import { SchemaDirectives } from './schema-directives';

/** One field with what its directives say. */
export interface FieldEntry {
  /** `Type.field` */
  readonly at: string;
  readonly type: Fielded;
  readonly field: Field;
  /** Undefined if nothing governs it. */
  readonly rule: FieldRule | undefined;
  /** Whether its value is personal data, or derived from some. */
  readonly personal: boolean;
  /** Whether it is personal, or leads to rows about people. */
  readonly governed: boolean;
  /** Whether it carries @nonPersonal. */
  readonly nonPersonal: boolean;
  readonly deidentify: readonly DeidentifyUsage[];
}

/**
 * The fields of a schema's objects and interfaces with their rules, each read once. Without the introspection types.
 * @example
 * ```ts
 * import { buildSchema } from 'graphql';
 * import { FieldTable, governanceTypeDefs } from '@remit/governance';
 *
 * const { entries } = new FieldTable(
 *   buildSchema(`${governanceTypeDefs}
 *     type Query { patient: Patient @personalRows }
 *     type Patient { name: String @personalData(category: NAME) ward: String @nonPersonal(because: "a place") }
 *   `),
 * );
 * console.log(entries.map(({ at, personal, nonPersonal }) => `${at} ${personal} ${nonPersonal}`).join(', '));
 * // Query.patient false false, Patient.name true false, Patient.ward false true
 * ```
 */
export class FieldTable {
  readonly directives: SchemaDirectives;
  readonly types: readonly Fielded[];
  readonly entries: readonly FieldEntry[];
  /** The purposes that the schema knows. */
  readonly purposes: readonly string[];
  readonly #byType: ReadonlyMap<Fielded, readonly FieldEntry[]>;
  readonly #byCoordinate: ReadonlyMap<string, FieldEntry>;

  /** The schema's directives must be valid: `govern` checks them first. */
  constructor(schema: GraphQLSchema, directives = new SchemaDirectives(schema)) {
    this.directives = directives;
    this.purposes = Object.keys(directives.vocabulary.purposes);
    this.types = Object.values(schema.getTypeMap()).filter(
      (type): type is Fielded => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'),
    );
    this.#byType = new Map(this.types.map((type) => [type, fieldsOf(type).map((field) => this.#read(type, field))]));
    this.entries = [...this.#byType.values()].flat();
    this.#byCoordinate = new Map(this.entries.map((entry) => [entry.at, entry]));
  }

  get schema(): GraphQLSchema {
    return this.directives.schema;
  }

  of(type: Fielded): readonly FieldEntry[] {
    return this.#byType.get(type) ?? [];
  }

  /** @param coordinate `Type.field` */
  at(coordinate: string): FieldEntry | undefined {
    return this.#byCoordinate.get(coordinate);
  }

  /** The coordinate itself, or for an interface the same field of each type that implements it. */
  concrete(coordinate: string): string[] {
    const [typeName = '', field = ''] = coordinate.split('.');
    const type = this.schema.getType(typeName);
    if (!isInterfaceType(type)) return [coordinate];
    return this.schema.getPossibleTypes(type).map(({ name }) => `${name}.${field}`);
  }

  #read(type: Fielded, field: Field): FieldEntry {
    const rule = readFieldRule(this.directives, type, field);
    return {
      at: `${type.name}.${field.name}`,
      type,
      field,
      rule,
      personal: isPersonal(rule),
      governed: isGoverned(rule),
      nonPersonal: this.directives.has(field, 'nonPersonal'),
      deidentify: this.directives.usages(field, 'deidentify') as unknown as DeidentifyUsage[],
    };
  }
}

const fieldsOf = (type: Fielded): Field[] => Object.values(type.getFields());
