import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isNonNullType,
  isScalarType,
} from 'graphql';
import type { Fielded } from './field-rule';
import type { FieldEntry, FieldTable } from './field-table';
import type { SchemaDirectives } from './schema-directives';

type Input = GraphQLArgument | GraphQLInputField;

/** Faults in what arguments read: wrong @governedBy, or none where one is needed. */
export function argumentFaults(table: FieldTable): string[] {
  return [...bindingFaults(table), ...unboundArguments(table)];
}

function bindingFaults(table: FieldTable): string[] {
  return inputs(table).flatMap(({ at, input }) =>
    (table.directives.usages(input, 'governedBy') as Array<{ field: string }>)
      .filter(({ field }) => !table.at(field))
      .map(({ field }) => `${at}: @governedBy names ${field}, which does not exist; name a Type.field that does`),
  );
}

function inputs({ schema, entries }: FieldTable): Array<{ at: string; input: Input }> {
  const ofInputs = Object.values(schema.getTypeMap()).flatMap((type) =>
    isInputObjectType(type)
      ? Object.values(type.getFields()).map((input) => ({ at: `${type.name}.${input.name}`, input }))
      : [],
  );
  const ofFields = entries.flatMap(({ at, field }) =>
    field.args.map((input) => ({ at: `${at}(${input.name}:)`, input })),
  );
  return [...ofInputs, ...ofFields];
}

/** What the arguments of one field could read. */
interface Reading {
  /** Names of its subjects' fields that are not personal. */
  readonly nonPersonal: ReadonlySet<string>;
  /** Governed fields that it could filter or sort by. */
  readonly governed: ReadonlyArray<{ coordinate: string; words: readonly string[] }>;
  readonly directives: SchemaDirectives;
  /** Whether its result type contains people's data. If not, it may still tell something, such as a count. */
  readonly reaches: boolean;
}

/**
 * Arguments that could filter or sort by a governed field without @governedBy. Such an argument reveals the field's
 * value, even if the result is only a count. Two kinds are found:
 * - it names a governed field: in its own name, an input field's, or an enum value's;
 * - it belongs to a field that returns people's data, and nothing says what it reads.
 * Mutations are not checked: they write what they take.
 */
function unboundArguments(table: FieldTable): string[] {
  const { schema, directives } = table;
  const mutation = schema.getMutationType();
  const holding = new Set(table.entries.filter(({ personal }) => personal).map(({ type }) => type));
  const all = governedFields(table.entries);
  const faults = new Set<string>();
  for (const { at, type, field } of table.entries) {
    if (field.args.length === 0 || type === mutation) continue;
    const subjects = reached(schema, getNamedType(field.type), holding);
    const theirs = subjects.flatMap((subject) => table.of(subject));
    const reaches = subjects.length > 0;
    const nonPersonal = new Set(theirs.filter((entry) => entry.nonPersonal).map((entry) => entry.field.name));
    const reading: Reading = { governed: reaches ? governedFields(theirs) : all, nonPersonal, reaches, directives };
    for (const arg of field.args) for (const fault of unbound(`${at}(${arg.name}:)`, arg, reading)) faults.add(fault);
  }
  return [...faults];
}

const governedFields = (entries: readonly FieldEntry[]): Reading['governed'] =>
  entries.filter(({ personal }) => personal).map(({ at, field }) => ({ coordinate: at, words: words(field.name) }));

function unbound(at: string, input: Input, reading: Reading, seen = new Set<string>()): string[] {
  if (reading.directives.has(input, 'governedBy') || reading.directives.has(input, 'nonPersonal')) return [];
  const type = getNamedType(input.type);
  const named = isPaging(input) ? undefined : namesGoverned(input, reading);
  if (named) {
    return [`${at}: it filters or sorts by ${named} without saying so; add @governedBy(field: "${named}")`];
  }
  if (!isInputObjectType(type)) return isUndeclared(input, reading) ? [undeclared(at)] : [];
  if (seen.has(type.name)) return [];
  seen.add(type.name);
  return Object.values(type.getFields()).flatMap((inner) =>
    unbound(`${type.name}.${inner.name}`, inner, reading, seen),
  );
}

const undeclared = (at: string): string =>
  `${at}: it could filter or sort by a governed field; add @governedBy(field: …), ` +
  'or @nonPersonal(because: …) where it does not';

/** The governed field that an input names. An ID does not count if the field returns nobody's data. */
function namesGoverned(input: Input, { governed, reaches }: Reading): string | undefined {
  const type = getNamedType(input.type);
  if (!reaches && type.name === 'ID') return undefined;
  const names = [input.name, ...(isEnumType(type) ? type.getValues().map(({ name }) => name) : [])];
  return governed.find(({ words: wanted }) => names.some((name) => containsRun(words(name), wanted)))?.coordinate;
}

/** Words in the names of arguments that may take any field's name or value. */
const anyField = new Set(['by', 'filter', 'group', 'order', 'q', 'query', 'search', 'sort', 'term', 'where']);

function isUndeclared(input: Input, { governed, nonPersonal, reaches }: Reading): boolean {
  const type = getNamedType(input.type);
  if (governed.length === 0 || type.name === 'ID' || isPaging(input) || nonPersonal.has(input.name)) return false;
  return reaches || (isScalarType(type) && words(input.name).some((word) => anyField.has(word)));
}

const lengths = new Set(['first', 'last', 'limit', 'offset', 'skip', 'page', 'pageSize', 'perPage']);
const places = new Set(['after', 'before', 'cursor']);

function isPaging({ name, type }: Input): boolean {
  const inner = isNonNullType(type) ? type.ofType : type;
  if (!isScalarType(inner)) return false;
  return inner.name === 'Int' ? lengths.has(name) : places.has(name);
}

/** The types with personal fields that a result can contain. The search stops at each: it governs what is below it. */
function reached(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
  holding: ReadonlySet<Fielded>,
  seen = new Set<GraphQLNamedType>(),
): Fielded[] {
  if (!isCompositeType(type) || seen.has(type)) return [];
  seen.add(type);
  const own = 'getFields' in type && holding.has(type) ? [type] : [];
  if (isAbstractType(type)) {
    return [...own, ...schema.getPossibleTypes(type).flatMap((possible) => reached(schema, possible, holding, seen))];
  }
  if (own.length > 0) return own;
  return Object.values(type.getFields()).flatMap((field) => reached(schema, getNamedType(field.type), holding, seen));
}

function words(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[\s_]+/)
    .map((word) => (word.length > 3 ? word.replace(/s$/, '') : word === 'ids' ? 'id' : word))
    .filter(Boolean);
}

function containsRun(haystack: readonly string[], needle: readonly string[]): boolean {
  return haystack.some((_, start) => needle.every((word, offset) => haystack[start + offset] === word));
}
