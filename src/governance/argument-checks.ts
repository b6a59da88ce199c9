import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from 'graphql';
import { usages } from './directive-usages';
import { isPersonal, readFieldRule } from './field-rule';

type Fielded = GraphQLObjectType | GraphQLInterfaceType;
type Input = GraphQLArgument | GraphQLInputField;

/** Faults in what arguments read: by @governedBy, or without saying so. */
export function argumentFaults(schema: GraphQLSchema, governedTypes: readonly Fielded[]): string[] {
  return [...bindingFaults(schema), ...unboundArguments(schema, governedTypes)];
}

const fieldsOf = (type: Fielded): Array<GraphQLField<unknown, unknown>> => Object.values(type.getFields());

function fieldedTypes(schema: GraphQLSchema): Fielded[] {
  return Object.values(schema.getTypeMap()).filter(
    (type): type is Fielded => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'),
  );
}

function bindingFaults(schema: GraphQLSchema): string[] {
  return inputs(schema).flatMap(({ at, input }) =>
    (usages(input, 'governedBy') as Array<{ field: string }>)
      .filter(({ field }) => !exists(schema, field))
      .map(({ field }) => `${at}: @governedBy names ${field}, which does not exist; name a Type.field that does`),
  );
}

function exists(schema: GraphQLSchema, coordinate: string): boolean {
  const [typeName = '', fieldName = ''] = coordinate.split('.');
  const type = schema.getType(typeName);
  return (isObjectType(type) || isInterfaceType(type)) && type.getFields()[fieldName] !== undefined;
}

function inputs(schema: GraphQLSchema): Array<{ at: string; input: Input }> {
  const ofInputs = Object.values(schema.getTypeMap()).flatMap((type) =>
    isInputObjectType(type)
      ? Object.values(type.getFields()).map((input) => ({ at: `${type.name}.${input.name}`, input }))
      : [],
  );
  const ofFields = fieldedTypes(schema).flatMap((type) =>
    fieldsOf(type).flatMap((field) =>
      field.args.map((input) => ({ at: `${type.name}.${field.name}(${input.name}:)`, input })),
    ),
  );
  return [...ofInputs, ...ofFields];
}

/** What the arguments of one field could be about. */
interface Reading {
  /** Names of fields of its subjects that say nothing of a person. */
  readonly nonPersonal: ReadonlySet<string>;
  /** Governed fields that it could filter or sort by. */
  readonly governed: ReadonlyArray<{ coordinate: string; words: readonly string[] }>;
  /** Whether its answer holds subjects, or says something of them that its type does not show. */
  readonly reaches: boolean;
}

/**
 * Arguments that could filter or sort by a governed field without saying so by @governedBy, so that the field could be
 * found out: those that name one, in their own name, in an input field's or in an enum value's, and those of a field
 * that reaches subjects which do not say what they are. What the answer's type is called, or whether it shows the
 * subjects at all, does not matter: a count and a yes tell as much. Mutations are left out: what they take is written.
 */
function unboundArguments(schema: GraphQLSchema, governedTypes: readonly Fielded[]): string[] {
  const mutation = schema.getMutationType();
  const names = new Set(governedTypes.map(({ name }) => name));
  const all = governedTypes.flatMap(governedFields);
  const faults = new Set<string>();
  for (const type of fieldedTypes(schema)) {
    for (const field of fieldsOf(type)) {
      if (field.args.length === 0 || type === mutation) continue;
      const subjects = reached(schema, getNamedType(field.type), names);
      const reaches = subjects.length > 0;
      const nonPersonal = new Set(subjects.flatMap(nonPersonalFields));
      const reading: Reading = { governed: reaches ? subjects.flatMap(governedFields) : all, nonPersonal, reaches };
      for (const arg of field.args) {
        for (const fault of unbound(`${type.name}.${field.name}(${arg.name}:)`, arg, reading)) faults.add(fault);
      }
    }
  }
  return [...faults];
}

const governedFields = (type: Fielded): Reading['governed'] =>
  fieldsOf(type)
    .filter((field) => isPersonal(readFieldRule(type, field)))
    .map((field) => ({ coordinate: `${type.name}.${field.name}`, words: words(field.name) }));

const nonPersonalFields = (type: Fielded): string[] =>
  fieldsOf(type)
    .filter((field) => usages(field, 'nonPersonal').length > 0)
    .map(({ name }) => name);

function unbound(at: string, input: Input, reading: Reading, seen = new Set<string>()): string[] {
  if (usages(input, 'governedBy').length > 0 || usages(input, 'nonPersonal').length > 0) return [];
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
  `${at}: it could filter or sort by a governed field; add @governedBy(field: …), or @nonPersonal(because: …) where it does not`;

/** The governed field that an input names; an id that is asked for where no subject is given addresses something else. */
function namesGoverned(input: Input, { governed, reaches }: Reading): string | undefined {
  const type = getNamedType(input.type);
  if (!reaches && type.name === 'ID') return undefined;
  const names = [input.name, ...(isEnumType(type) ? type.getValues().map(({ name }) => name) : [])];
  return governed.find(({ words: wanted }) => names.some((name) => containsRun(words(name), wanted)))?.coordinate;
}

/** Words of arguments that take any field's name or value. */
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

/** The governed types that an answer can hold, under whatever names: where one is met, what is below it is its own. */
function reached(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
  governed: ReadonlySet<string>,
  seen = new Set<GraphQLNamedType>(),
): Fielded[] {
  if (!isCompositeType(type) || seen.has(type)) return [];
  seen.add(type);
  const own = !('getFields' in type) || !governed.has(type.name) ? [] : [type];
  if (isAbstractType(type)) {
    return [...own, ...schema.getPossibleTypes(type).flatMap((possible) => reached(schema, possible, governed, seen))];
  }
  if (own.length > 0) return own;
  return fieldsOf(type).flatMap((field) => reached(schema, getNamedType(field.type), governed, seen));
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
