import {
  defaultFieldResolver,
  GraphQLError,
  type GraphQLField,
  type GraphQLFieldResolver,
  getNamedType,
  isAbstractType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { RowRefusal } from './access';
import { type ArgumentBindings, argumentReads } from './argument-bindings';
import { type Outcome, reasonOf } from './decision';
import { Enforcement, type ResponsePath } from './enforcement';
import { messageOf, type RefusalCode } from './errors';
import { contextOf, keep } from './kept-resolvers';
import { isPromise } from './promises';
import type { Coordinate, SchemaPolicy } from './schema-policy';
import { shared } from './shared-state';
import { unwrapTypeResolver } from './type-resolvers';

type Resolver = GraphQLFieldResolver<unknown, unknown>;
type Field = GraphQLField<unknown, unknown>;

/** The guard of a governed field that reads a property of its row: the executor applies it without a call. */
export interface PlainGuard extends Guard {
  readonly coordinate: Coordinate;
  readonly name: string;
}

/** The guard of a field that only reads a property of its row. */
export function plainGuardOf({ resolve }: Field): PlainGuard | undefined {
  return resolve && plainGuards.get(resolve);
}

/** Whether a field has no resolver, and its value stands in its source, which holds no function and no promise. */
export const isProperty = (field: Field): boolean => properties.has(field);

const properties = shared('properties', () => new WeakSet<Field>());
const plainGuards = shared('plain-guards', () => new WeakMap<Resolver, PlainGuard>());

/** Gives what the decision and the row allow of a property, as the field's guarded resolver would. */
export function releaseProperty(
  guard: PlainGuard,
  enforcement: Enforcement,
  source: unknown,
  parent: ResponsePath | undefined,
  key: string,
): unknown {
  const { coordinate, name } = guard;
  const outcome = enforcement.outcome(coordinate);
  const refusal = outcome === 'WITHHELD' ? undefined : enforcement.rowRefusal(source, coordinate);
  if (outcome === 'CLEAR' && refusal === undefined) return propertyOf(source, name);
  if (guard.nonNull || (outcome !== 'WITHHELD' && refusal === undefined)) {
    return releaseLess(guard, enforcement, source, outcome, refusal, { prev: parent, key });
  }
  enforcement.withhold(coordinate, refusal, parent, key);
  return null;
}

/** A function of its own, so that the common paths (clear, withheld) allocate no closure. */
function releaseLess(
  guard: PlainGuard,
  enforcement: Enforcement,
  source: unknown,
  outcome: Outcome,
  refusal: RowRefusal | undefined,
  path: ResponsePath,
): unknown {
  const read = () => propertyOf(source, guard.name);
  return release(guard, guard.coordinate, enforcement, outcome, refusal, read, path);
}

/** The resolvers that fields had before they were guarded, so that governing a schema twice guards it once. */
const originals = shared(
  'originals',
  () => new WeakMap<Field, { resolve: Resolver | undefined; subscribe: Resolver | undefined }>(),
);

/**
 * Puts guards on the schema's governed fields, in place. From then on they throw in any executor whose context is not
 * an {@link Enforcement}.
 * @param plainSources fields without a resolver hold no function and no promise
 */
export function guardSchema(policy: SchemaPolicy, plainSources: boolean): void {
  for (const type of Object.values(policy.schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isAbstractType(type)) unwrapTypeResolver(type);
    if (!isObjectType(type)) continue;
    unwrapTypeResolver(type);
    for (const field of Object.values(type.getFields())) {
      const original = originals.get(field) ?? { resolve: field.resolve, subscribe: field.subscribe };
      originals.set(field, original);
      const coordinate = policy.coordinate(type.name, field.name);
      const bindings = policy.bindings(type.name, field.name);
      const plain = plainSources && isLeafType(getNamedType(field.type));
      const lazy = plain ? propertyResolver(field.name) : methodResolver(field.name);
      const resolve = original.resolve && original.resolve !== defaultFieldResolver ? original.resolve : undefined;
      if (plainSources && !resolve) properties.add(field);
      if (coordinate || bindings) {
        const nonNull = isNonNullType(field.type);
        const property = resolve || plain ? undefined : field.name;
        const guard = { policy, field: `${type.name}.${field.name}`, coordinate, bindings, nonNull, property };
        const resolver = guarded(guard, resolve ?? lazy);
        if (coordinate && !bindings && !resolve && plain) {
          plainGuards.set(resolver, { ...guard, coordinate, name: field.name });
        }
        const { subscribe } = original;
        keep(field, guard.field, {
          resolve: resolver,
          subscribe: subscribe && guardedSource({ ...guard, nonNull: true }, subscribe),
        });
      } else {
        const resolver = resolve ?? (plainSources ? undefined : lazy);
        const { subscribe } = original;
        keep(field, `${type.name}.${field.name}`, {
          resolve: resolver && unwrapped(resolver),
          subscribe: subscribe && unwrapped(subscribe),
        });
      }
    }
    // A field that is added later would have no guard.
    Object.freeze(type.getFields());
  }
}

const propertyOf = (source: unknown, name: string): unknown =>
  (source as Readonly<Record<string, unknown>> | null | undefined)?.[name];

const propertyResolver =
  (name: string): Resolver =>
  (source) =>
    propertyOf(source, name);

/** As graphql's default resolver. A source that is no object has no fields. */
function methodResolver(name: string): Resolver {
  return (source, args, context, info) => {
    if ((typeof source !== 'object' || source === null) && typeof source !== 'function') return undefined;
    const row = source as Record<string, unknown>;
    const property = row[name];
    return typeof property === 'function' ? property.call(row, args, context, info) : property;
  };
}

function unwrapped(resolve: Resolver): Resolver {
  return (source, args, context, info) => resolve(source, args, contextOf(context), info);
}

interface Guard {
  readonly policy: SchemaPolicy;
  /** `Type.field` */
  readonly field: string;
  readonly coordinate: Coordinate | undefined;
  readonly bindings: ArgumentBindings | undefined;
  readonly nonNull: boolean;
  /** The property that the field reads, which may hold a promise; undefined if a resolver gives its value. */
  readonly property?: string | undefined;
}

/** Ignores a withheld property's promise, so that its rejection does not end the process. */
function abandon(source: unknown, name: string): void {
  const value = typeof source === 'object' && source !== null && Object.getOwnPropertyDescriptor(source, name)?.value;
  for (const item of Array.isArray(value) ? value : [value]) if (isPromise(item)) item.then(undefined, () => undefined);
}

function guarded(guard: Guard, resolve: Resolver): Resolver {
  const { coordinate, bindings } = guard;
  return (source, args, context, info) => {
    const enforcement = Enforcement.of(context);
    if (!enforcement) throw notWired(guard.field);
    if (bindings && !argumentsPermitted(guard, bindings, args, enforcement, info.path)) return null;
    if (!coordinate) return resolve(source, args, enforcement.contextValue, info);
    const outcome = enforcement.outcome(coordinate);
    const refusal = outcome === 'WITHHELD' ? undefined : enforcement.rowRefusal(source, coordinate);
    if (outcome === 'CLEAR' && refusal === undefined) return resolve(source, args, enforcement.contextValue, info);
    if (guard.property !== undefined && (outcome === 'WITHHELD' || refusal !== undefined))
      abandon(source, guard.property);
    // Bound instead of a closure: V8 keeps the variables of a function that makes one on the heap, on every call.
    const read = resolve.bind(undefined, source, args, enforcement.contextValue, info);
    return release(guard, coordinate, enforcement, outcome, refusal, read, info.path);
  };
}

/** A subscription's source gives events, not the field's value. It is opened unless the field is withheld. */
function guardedSource(guard: Guard, subscribe: Resolver): Resolver {
  const { coordinate, bindings } = guard;
  return (source, args, context, info) => {
    const enforcement = Enforcement.of(context);
    if (!enforcement) throw notWired(guard.field);
    if (bindings) argumentsPermitted(guard, bindings, args, enforcement, info.path);
    const open = () => subscribe(source, args, enforcement.contextValue, info);
    const outcome = coordinate ? enforcement.outcome(coordinate) : 'CLEAR';
    if (outcome === 'CLEAR') return open();
    if (outcome === 'DEIDENTIFIED') return readUnseen(open, (events) => events);
    if (coordinate) enforcement.withhold(coordinate, undefined, info.path.prev, info.path.key);
    throw withheldError('PURPOSE_NOT_PERMITTED');
  };
}

/** The schema is executed without its governance: nothing is given, and the error says how to wire it. */
const notWired = (field: string): GraphQLError =>
  new GraphQLError(
    `${field} is governed, and nothing decided whether it may be read: execute by governed.execute, by the plugin ` +
      'governed.envelop (GraphQL Yoga, Envelop) or by governed.gateway (Apollo Server), not by the schema alone.',
    { extensions: { code: 'GOVERNANCE_NOT_WIRED' } },
  );

/** Gives what the decision and the row allow of a field's value. */
function release(
  guard: Guard,
  coordinate: Coordinate,
  enforcement: Enforcement,
  outcome: Outcome,
  refusal: RowRefusal | undefined,
  read: () => unknown,
  path: ResponsePath,
): unknown {
  if (outcome === 'WITHHELD' || refusal !== undefined) enforcement.withhold(coordinate, refusal, path.prev, path.key);
  else if (outcome === 'CLEAR') return read();
  else return readUnseen(read, (value) => enforcement.deidentify(coordinate, value));

  if (!guard.nonNull) return null;
  const { fallback } = coordinate;
  if (fallback === undefined) throw withheldError('PURPOSE_NOT_PERMITTED');
  return readUnseen(read, (value) => enforcement.disguise(coordinate, fallback, value));
}

/** A filter or a sort reveals what it reads, so it needs the field in the clear (docs/pitfalls.md, 12). */
export function argumentsPermitted(
  { policy, field: guarded, nonNull }: Pick<Guard, 'policy' | 'field' | 'nonNull'>,
  bindings: ArgumentBindings,
  args: Record<string, unknown>,
  enforcement: Enforcement,
  path: ResponsePath,
): boolean {
  let permitted = true;
  for (const { argument, field, forbiddenOperator } of argumentReads(bindings, args)) {
    const [type = '', name = ''] = field.split('.');
    for (const { name: possible } of policy.possibleTypes(type)) {
      const coordinate = policy.coordinate(possible, name);
      if (!coordinate) continue;
      const clear = enforcement.outcome(coordinate) === 'CLEAR';
      if (clear && forbiddenOperator === undefined) continue;
      permitted = false;
      const refusal = clear
        ? { code: 'PURPOSE_NOT_PERMITTED', rule: `@governedBy operators of ${coordinate.name}` }
        : reasonOf(enforcement.decision.verdicts[coordinate.index]);
      enforcement.withholdArgument(coordinate, refusal, `${guarded}(${argument}:)`, path);
    }
  }
  if (!permitted && nonNull) throw withheldError('PURPOSE_NOT_PERMITTED');
  return permitted;
}

const withheldCode = Symbol.for('@remit/governance/withheld');

/** Makes a non-null field fail. The reason is counted already, so this error itself is not reported. */
function withheldError(code: RefusalCode): GraphQLError {
  return Object.assign(new GraphQLError(messageOf(code), { extensions: { code } }), { [withheldCode]: true });
}

export function isWithheldError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && withheldCode in error;
}

/** Reads a value to transform it. A resolver's error may contain the value, so it is not answered. */
function readUnseen(read: () => unknown, transform: (value: unknown) => unknown): unknown {
  let value: unknown;
  try {
    value = read();
  } catch (error) {
    return unseen(error);
  }
  const give = (given: unknown) => (given instanceof Error ? unseen(given) : transform(given));
  const whole = isPromise(value) ? value.then(withoutPromises) : withoutPromises(value);
  return isPromise(whole) ? whole.then(give, unseen) : give(whole);
}

/** Waits for the items of a list. A rejected one becomes an Error, of which every method gives null. */
function withoutPromises(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const items = value.map((item) => (isPromise(item) ? item.then(withoutPromises) : withoutPromises(item)));
  if (!items.some(isPromise)) return value;
  return Promise.allSettled(items).then((settled) =>
    settled.map((item) => (item.status === 'fulfilled' ? item.value : new Error('an item failed'))),
  );
}

function unseen(cause: unknown): never {
  throw new Error('A resolver failed on a value that its caller may not see.', { cause });
}
