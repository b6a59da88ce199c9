import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { usages } from './directive-usages';
import { isGoverned, isPersonal, readFieldRule } from './field-rule';

type Field = GraphQLField<unknown, unknown>;

/** How far a field's rows are looked into for something that may be read. */
type Follow = (type: GraphQLObjectType, field: Field) => boolean;

/** Which types hold personal data, and which fields lead to rows of them: objects, lists, connections, payloads. */
export class PersonalRows {
  readonly #schema: GraphQLSchema;
  readonly #holders: ReadonlySet<GraphQLObjectType>;
  readonly #roots: ReadonlySet<unknown>;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
    this.#roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
    const objects = Object.values(schema.getTypeMap()).filter(
      (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__'),
    );
    this.#holders = new Set(
      objects.filter((type) => fieldsOf(type).some((field) => isPersonal(readFieldRule(type, field)))),
    );
  }

  /** Whether values of the type are rows about a subject: it has a field with personal data. */
  holds(type: GraphQLObjectType): boolean {
    return this.#holders.has(type) && !this.#roots.has(type);
  }

  /** The types of the rows that a field gives: what it returns, or what that leads to without a governed field. */
  rowsOf(field: Field): ReadonlySet<GraphQLObjectType> {
    return this.#reached(field, (type, inner) => !this.holds(type) && !isGoverned(readFieldRule(type, inner)));
  }

  /**
   * The fields of which one has to be readable for a field's rows to be given. Those that may be null decide where there
   * are any: one that may not always says something, of rows that are withheld too. A field within a row is decided by its
   * own rows; whoever enters from outside may have come for what hangs on them.
   */
  evidenceFor(parent: GraphQLObjectType, field: Field): Array<{ type: GraphQLObjectType; field: Field }> {
    const rows = this.holds(parent) ? this.rowsOf(field) : this.#reached(field, () => true);
    const personal = [...rows].flatMap((type) =>
      fieldsOf(type)
        .filter((inner) => isPersonal(readFieldRule(type, inner)))
        .map((inner) => ({ type, field: inner })),
    );
    const nullable = personal.filter((one) => !isNonNullType(one.field.type));
    return nullable.length > 0 ? nullable : personal;
  }

  /** Ways by which rows could be had, or counted, that no rule stands on. */
  faults(): string[] {
    const objects = Object.values(this.#schema.getTypeMap()).filter(isObjectType);
    return [...this.#openWays(), ...objects.flatMap((type) => this.#fieldFaults(type))];
  }

  /** From each root along ungoverned fields; each type is entered once. */
  #openWays(): string[] {
    const faults: string[] = [];
    const ways = new Map<GraphQLObjectType, readonly string[]>();
    for (const root of this.#roots) if (isObjectType(root)) ways.set(root, []);
    for (const [type, way] of ways) {
      for (const field of fieldsOf(type)) {
        if (isGoverned(readFieldRule(type, field))) continue;
        const steps = [...way, `${type.name}.${field.name}`];
        const possible = this.#possible(field);
        const row = possible.find((next) => this.holds(next));
        if (row) faults.push(ungoverned(steps, row));
        for (const next of possible) if (!this.holds(next) && !ways.has(next)) ways.set(next, steps);
      }
    }
    return faults;
  }

  #fieldFaults(type: GraphQLObjectType): string[] {
    return fieldsOf(type).flatMap((field) => {
      const at = `${type.name}.${field.name}`;
      const rule = readFieldRule(type, field);
      if (rule?.rows) {
        return this.evidenceFor(type, field).length > 0
          ? []
          : [`${at}: @personalRows stands on a field that leads to no personal data; remove it`];
      }
      if (!this.holds(type) || isGoverned(rule) || isLeafType(getNamedType(field.type))) return [];
      const [row] = this.rowsOf(field);
      if (row) return [ungoverned([at], row)];
      return usages(field, 'nonPersonal').length > 0 ? [] : [`${at}: unclassified beside governed fields; ${remedy}`];
    });
  }

  #reached(from: Field, follow: Follow): Set<GraphQLObjectType> {
    const seen = new Set(this.#possible(from));
    for (const type of seen) {
      for (const field of fieldsOf(type)) {
        if (follow(type, field)) for (const next of this.#possible(field)) seen.add(next);
      }
    }
    return new Set([...seen].filter((type) => this.holds(type)));
  }

  #possible(field: Field): readonly GraphQLObjectType[] {
    const type = getNamedType(field.type);
    if (isObjectType(type)) return [type];
    return isCompositeType(type) && isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [];
  }
}

const remedy = 'add @personalData(category: …) or @nonPersonal(because: …)';

const fieldsOf = (type: GraphQLObjectType): Field[] => Object.values(type.getFields());

const ungoverned = (way: readonly string[], row: GraphQLObjectType): string =>
  `${way.join(' > ')}: it gives rows of ${row.name} ungoverned; add @personalRows${way.length > 1 ? ' to a field on the way' : ''}`;
