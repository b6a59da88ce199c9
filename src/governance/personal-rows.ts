import {
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { Field } from './field-rule';
import type { FieldEntry, FieldTable } from './field-table';

/** Whether the search for rows goes through a field. */
type Follow = (type: GraphQLObjectType, entry: FieldEntry) => boolean;

/** The types that hold personal data, and the fields that lead to rows of them, also by connections. */
export class PersonalRows {
  readonly #table: FieldTable;
  readonly #objects: readonly GraphQLObjectType[];
  readonly #holders: ReadonlySet<GraphQLObjectType>;
  readonly #roots: ReadonlySet<unknown>;

  constructor(table: FieldTable) {
    const { schema } = table;
    this.#table = table;
    this.#roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
    this.#objects = table.types.filter((type): type is GraphQLObjectType => isObjectType(type));
    this.#holders = new Set(this.#objects.filter((type) => table.of(type).some(({ personal }) => personal)));
  }

  /** Whether values of the type are rows about a person: it has a personal field. */
  holds(type: GraphQLObjectType): boolean {
    return this.#holders.has(type) && !this.#roots.has(type);
  }

  /** The types of the rows that a field gives, directly or through ungoverned fields. */
  rowsOf(field: Field): ReadonlySet<GraphQLObjectType> {
    return this.#reached(field, (type, { governed }) => !this.holds(type) && !governed);
  }

  /**
   * The fields of which at least one must be readable, or a field's rows are not given. If any is nullable, only the
   * nullable ones count: a non-null one always gives something, even of a withheld row. A field of a row is decided by
   * the rows it gives; a root field also by what can be reached through them.
   */
  evidenceFor(parent: GraphQLObjectType, field: Field): FieldEntry[] {
    const rows = this.holds(parent) ? this.rowsOf(field) : this.#reached(field, () => true);
    const personal = [...rows].flatMap((type) => this.#table.of(type).filter((entry) => entry.personal));
    const nullable = personal.filter((entry) => !isNonNullType(entry.field.type));
    return nullable.length > 0 ? nullable : personal;
  }

  /** Ways to rows, or to their number, that have no rule. */
  faults(): string[] {
    return [...this.#openWays(), ...this.#objects.flatMap((type) => this.#fieldFaults(type))];
  }

  /** Searches from each root along ungoverned fields; visits each type once. */
  #openWays(): string[] {
    const faults: string[] = [];
    const ways = new Map<GraphQLObjectType, readonly string[]>();
    for (const root of this.#roots) if (isObjectType(root)) ways.set(root, []);
    for (const [type, way] of ways) {
      for (const { at, field, governed } of this.#table.of(type)) {
        if (governed) continue;
        const steps = [...way, at];
        const possible = this.#possible(field);
        const row = possible.find((next) => this.holds(next));
        if (row) faults.push(ungoverned(steps, row));
        for (const next of possible) if (!this.holds(next) && !ways.has(next)) ways.set(next, steps);
      }
    }
    return faults;
  }

  #fieldFaults(type: GraphQLObjectType): string[] {
    return this.#table.of(type).flatMap(({ at, field, rule, governed, nonPersonal }) => {
      if (rule?.rows) {
        return this.evidenceFor(type, field).length > 0
          ? []
          : [`${at}: @personalRows stands on a field that leads to no personal data; remove it`];
      }
      if (!this.holds(type) || governed || isLeafType(getNamedType(field.type))) return [];
      const [row] = this.rowsOf(field);
      if (row) return [ungoverned([at], row)];
      return nonPersonal ? [] : [`${at}: unclassified beside governed fields; ${remedy}`];
    });
  }

  #reached(from: Field, follow: Follow): Set<GraphQLObjectType> {
    const seen = new Set(this.#possible(from));
    for (const type of seen) {
      for (const entry of this.#table.of(type)) {
        if (follow(type, entry)) for (const next of this.#possible(entry.field)) seen.add(next);
      }
    }
    return new Set([...seen].filter((type) => this.holds(type)));
  }

  #possible(field: Field): readonly GraphQLObjectType[] {
    const type = getNamedType(field.type);
    if (isObjectType(type)) return [type];
    return isCompositeType(type) && isAbstractType(type) ? this.#table.schema.getPossibleTypes(type) : [];
  }
}

const remedy = 'add @personalData(category: …) or @nonPersonal(because: …)';

const ungoverned = (way: readonly string[], row: GraphQLObjectType): string =>
  `${way.join(' > ')}: it gives rows of ${row.name} ungoverned; ` +
  `add @personalRows${way.length > 1 ? ' to a field on the way' : ''}`;
