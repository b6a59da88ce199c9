import {
  coerceInputValue,
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  typeFromAST,
  type VariableDefinitionNode,
  valueFromAST,
} from 'graphql';
import { badUserInput } from './errors';

type Variables = Readonly<Record<string, unknown>>;
type Path = ReadonlyArray<string | number>;

/** More errors than these help nobody. */
const MOST_ERRORS = 20;

/**
 * Coerces the variables of an operation (spec, section 6.1.2). Errors tell the place and the expected type. They repeat
 * neither what was sent nor a scalar's own message (docs/pitfalls.md, 14).
 */
export function coerceVariables(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
  inputs: Variables,
): { readonly values: Variables } | { readonly errors: readonly GraphQLError[] } {
  const values = Object.create(null) as Record<string, unknown>;
  const faults = new Map<string, GraphQLError>();
  try {
    for (const definition of definitions) {
      const name = definition.variable.name.value;
      const value = coerceVariable(schema, definition, inputs, (path, why) => {
        const place = `${name}${path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')}`;
        const at = path.length === 0 ? '' : ` at "${place}"`;
        if (faults.size >= MOST_ERRORS) throw new TooManyFaults();
        faults.set(place, badUserInput(`Variable "$${name}" got an invalid value${at}: ${why}.`));
      });
      if (value !== undefined) values[name] = value;
    }
  } catch (error) {
    if (!(error instanceof TooManyFaults)) throw error;
    return { errors: [...faults.values(), badUserInput('Too many values are invalid; no more of them are told.')] };
  }
  return faults.size > 0 ? { errors: [...faults.values()] } : { values };
}

class TooManyFaults extends Error {}

/** @returns undefined if nothing is given, or a fault was reported */
function coerceVariable(
  schema: GraphQLSchema,
  { variable, type: typeNode, defaultValue }: VariableDefinitionNode,
  inputs: Variables,
  report: (path: Path, why: string) => void,
): unknown {
  const name = variable.name.value;
  const type = typeFromAST(schema, typeNode);
  if (!isInputType(type)) throw new Error(`validation let the variable of type ${typeNode.kind} pass`);
  if (!Object.hasOwn(inputs, name)) {
    if (defaultValue) return valueFromAST(defaultValue, type);
    if (isNonNullType(type)) report([], `it is of required type "${type}" and was not provided`);
    return undefined;
  }
  return coerceInputValue(
    inputs[name],
    type,
    (path, value) => report(path, faultOf(typeAt(type, path, value), value)),
    true,
  );
}

/** The type at a path. Lists are unwrapped if the value is no list. */
function typeAt(type: GraphQLInputType, path: Path, value: unknown): GraphQLInputType {
  let at = type;
  for (const key of path) {
    const inner = getNullableType(at);
    if (typeof key === 'number') at = isListType(inner) ? inner.ofType : inner;
    else {
      const named = withoutLists(inner);
      at = isInputObjectType(named) ? (named.getFields()[key]?.type ?? named) : named;
    }
  }
  return isRecord(value) ? withoutLists(at) : at;
}

function withoutLists(type: GraphQLInputType): GraphQLInputType {
  const inner = getNullableType(type);
  return isListType(inner) ? withoutLists(inner.ofType) : inner;
}

function faultOf(type: GraphQLInputType, value: unknown): string {
  const named = getNullableType(type);
  if (!isInputObjectType(named) || !isRecord(value)) return `expected type "${type}"`;
  const fields = named.getFields();
  const missing = Object.values(fields).find((field) => isRequiredInputField(field) && value[field.name] === undefined);
  if (missing) return `field "${missing.name}" of required type "${missing.type}" was not provided`;
  if (Object.keys(value).some((key) => !Object.hasOwn(fields, key))) {
    return `it has a field that type "${named.name}" does not define`;
  }
  return `expected type "${named.name}"${named.isOneOf ? ' with exactly one field, and not null' : ''}`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
