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

/** One field with all that its directives say. */
export interface FieldEntry {
  /** `Type.field` */
  readonly at: string;
  readonly type: Fielded;
  readonly field: Field;
  /** Undefined where nothing governs it. */
  readonly rule: FieldRule | undefined;
  /** Whether its value is personal data, or derives from some. */
  readonly personal: boolean;
  /** Whether it is personal, or leads to rows about people. */
  readonly governed: boolean;
  /** Whether it says by @nonPersonal that it tells nothing of a person. */
  readonly nonPersonal: boolean;
  readonly deidentify: readonly DeidentifyUsage[];
}

/** The fields of a schema's objects and interfaces, each read once. Introspection's own are not among them. */
export class FieldTable {
  readonly directives: SchemaDirectives;
  readonly types: readonly Fielded[];
  readonly entries: readonly FieldEntry[];
  /** The purposes that the schema knows. */
  readonly purposes: readonly string[];
  readonly #byType: ReadonlyMap<Fielded, readonly FieldEntry[]>;
  readonly #byCoordinate: ReadonlyMap<string, FieldEntry>;

  /** The schema's directives have to be written soundly, as {@link directiveFaults} checks. */
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

  /** The coordinates that one stands for: itself, or the same field of each type that implements the interface. */
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
