import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  getNamedType,
  isInputObjectType,
  Kind,
  type ValueNode,
} from 'graphql';
import type { SchemaDirectives } from './schema-directives';
import type { FilterOperator } from './vocabulary';

/** What using one argument or input field reads. */
export interface ArgumentBinding {
  /** `Type.field` of the field it reads, where it carries @governedBy. */
  readonly field: string | undefined;
  /** The operators it may use; undefined allows all. Checked if the argument is an object of operators. */
  readonly operators: readonly FilterOperator[] | undefined;
  /** Its default value, if it has one. */
  readonly defaultValue: unknown;
  /** Bindings of the input object's own fields. Input types may be recursive, so this may contain itself. */
  readonly fields: ArgumentBindings | undefined;
}
export type ArgumentBindings = ReadonlyMap<string, ArgumentBinding>;

/** A field that an argument reads, or an operator it may not use. */
interface Read {
  readonly field: string;
  readonly forbiddenOperator?: string;
}

/** A read, with the name of the argument that makes it. */
export interface ArgumentRead extends Read {
  readonly argument: string;
}

/** The bindings of a field's arguments, at any depth of their input types; undefined if none reads a field. */
export function bindArguments(
  directives: SchemaDirectives,
  field: GraphQLField<unknown, unknown>,
): ArgumentBindings | undefined {
  const found = new Map<string, ArgumentBinding>();
  fill(directives, found, field.args, new Map());
  return bindsAnything(found) ? found : undefined;
}

function fill(
  directives: SchemaDirectives,
  target: Map<string, ArgumentBinding>,
  inputs: ReadonlyArray<GraphQLArgument | GraphQLInputField>,
  seen: Map<GraphQLInputObjectType, Map<string, ArgumentBinding>>,
): void {
  for (const input of inputs) {
    const [usage] = directives.usages(input, 'governedBy') as Array<{ field: string; operators?: FilterOperator[] }>;
    const type = getNamedType(input.type);
    let fields: Map<string, ArgumentBinding> | undefined;
    if (isInputObjectType(type)) {
      fields = seen.get(type);
      if (!fields) {
        fields = new Map();
        seen.set(type, fields);
        fill(directives, fields, Object.values(type.getFields()), seen);
      }
    }
    // A recursive input type is still incomplete when it is met again. Whether it binds anything is checked at the end.
    if (usage || fields) {
      const { defaultValue } = input;
      target.set(input.name, { field: usage?.field, operators: usage?.operators, defaultValue, fields });
    }
  }
}

function bindsAnything(fields: ArgumentBindings, seen = new Set<ArgumentBindings>()): boolean {
  if (seen.has(fields)) return false;
  seen.add(fields);
  return [...fields.values()].some(
    (binding) => binding.field !== undefined || (binding.fields && bindsAnything(binding.fields, seen)),
  );
}

/** All fields that these arguments could read. A variable may use any of them. */
function fieldsWithin(
  bindings: ArgumentBindings,
  into = new Set<string>(),
  seen = new Set<ArgumentBindings>(),
): Set<string> {
  if (seen.has(bindings)) return into;
  seen.add(bindings);
  for (const { field, fields } of bindings.values()) {
    if (field !== undefined) into.add(field);
    if (fields) fieldsWithin(fields, into, seen);
  }
  return into;
}

/** The fields that an argument in the document reads. A variable counts as all that it could use. */
export function fieldsInLiteral(binding: ArgumentBinding, value: ValueNode, into: Set<string>): void {
  if (binding.field !== undefined) into.add(binding.field);
  if (!binding.fields) return;
  if (value.kind === Kind.VARIABLE) fieldsWithin(binding.fields, into);
  else if (value.kind === Kind.LIST) for (const item of value.values) fieldsInLiteral(binding, item, into);
  else if (value.kind === Kind.OBJECT) {
    for (const [name, inner] of binding.fields) {
      const node = value.fields.find((field) => field.name.value === name);
      if (node) fieldsInLiteral(inner, node.value, into);
      else fieldsInDefault(inner, into);
    }
  }
}

/** The fields that an omitted argument reads by its default value. */
export function fieldsInDefault(binding: ArgumentBinding, into: Set<string>): void {
  if (binding.defaultValue === undefined) return;
  for (const { field } of reads(binding, binding.defaultValue)) into.add(field);
}

/** The fields that arguments read, with variables and defaults filled in. */
export function* argumentReads(
  bindings: ArgumentBindings,
  values: Readonly<Record<string, unknown>>,
): Generator<ArgumentRead> {
  for (const argument in values) {
    const binding = bindings.get(argument);
    if (!binding || values[argument] === undefined) continue;
    for (const read of reads(binding, values[argument])) yield { ...read, argument };
  }
}

function* reads(binding: ArgumentBinding, value: unknown): Generator<Read> {
  if (binding.field !== undefined) yield { field: binding.field };
  for (const item of Array.isArray(value) ? value : [value]) {
    if (item === null || typeof item !== 'object') continue;
    const record = item as Readonly<Record<string, unknown>>;
    if (binding.field !== undefined && binding.operators) {
      const forbidden = Object.keys(record).find(
        (key) => record[key] !== undefined && !permits(binding.operators ?? [], key),
      );
      if (forbidden) yield { field: binding.field, forbiddenOperator: forbidden };
    }
    if (binding.fields) yield* argumentReads(binding.fields, record);
  }
}

const spellings: Readonly<Record<FilterOperator, readonly string[]>> = {
  EQ: ['eq', 'equals', 'is'],
  NE: ['ne', 'neq', 'not'],
  IN: ['in', 'oneof'],
  LT: ['lt', 'before'],
  LTE: ['lte'],
  GT: ['gt', 'after'],
  GTE: ['gte'],
  PREFIX: ['prefix', 'startswith', 'beginswith'],
  CONTAINS: ['contains', 'like', 'search'],
  SORT: ['sort', 'order', 'orderby'],
  AGGREGATE: ['aggregate', 'count', 'sum', 'min', 'max', 'avg'],
};

function permits(operators: readonly FilterOperator[], key: string): boolean {
  const word = key.toLowerCase().replaceAll('_', '');
  return operators.some((operator) => operator.toLowerCase() === word || spellings[operator].includes(word));
}
