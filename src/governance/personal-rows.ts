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

/** How far a field's rows are looked into for something that may be read. */
type Follow = (type: GraphQLObjectType, entry: FieldEntry) => boolean;

/** Which types hold personal data, and which fields lead to rows of them: objects, lists, connections, payloads. */
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

  /** Whether values of the type are rows about a subject: it has a field with personal data. */
  holds(type: GraphQLObjectType): boolean {
    return this.#holders.has(type) && !this.#roots.has(type);
  }

  /** The types of the rows that a field gives: what it returns, or what that leads to without a governed field. */
  rowsOf(field: Field): ReadonlySet<GraphQLObjectType> {
    return this.#reached(field, (type, { governed }) => !this.holds(type) && !governed);
  }

  /**
   * The fields of which one has to be readable for a field's rows to be given. Those that may be null decide where there
   * are any: one that may not always says something, of rows that are withheld too. A field within a row is decided by its
   * own rows; whoever enters from outside may have come for what hangs on them.
   */
  evidenceFor(parent: GraphQLObjectType, field: Field): FieldEntry[] {
    const rows = this.holds(parent) ? this.rowsOf(field) : this.#reached(field, () => true);
    const personal = [...rows].flatMap((type) => this.#table.of(type).filter((entry) => entry.personal));
    const nullable = personal.filter((entry) => !isNonNullType(entry.field.type));
    return nullable.length > 0 ? nullable : personal;
  }

  /** Ways by which rows could be had, or counted, that no rule stands on. */
  faults(): string[] {
    return [...this.#openWays(), ...this.#objects.flatMap((type) => this.#fieldFaults(type))];
  }

  /** From each root along ungoverned fields; each type is entered once. */
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
  `${way.join(' > ')}: it gives rows of ${row.name} ungoverned; add @personalRows${way.length > 1 ? ' to a field on the way' : ''}`;
