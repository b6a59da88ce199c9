import { defaultTypeResolver, type GraphQLAbstractType, type GraphQLObjectType, isObjectType } from 'graphql';
import { contextOf, keep } from './kept-resolvers';
import { isPromise } from './promises';
import { shared } from './shared-state';

const typeResolversSeen = shared('type-resolvers', () => new WeakSet<object>());

/** Hides the enforcement from type resolvers. Their errors may contain a value, so they are not answered. */
export function unwrapTypeResolver(type: GraphQLAbstractType | GraphQLObjectType): void {
  if (typeResolversSeen.has(type)) return;
  typeResolversSeen.add(type);
  if (isObjectType(type)) {
    const { isTypeOf } = type;
    const guard: typeof isTypeOf = (value, context, info) =>
      attempt<boolean>(() => isTypeOf?.(value, contextOf(context), info) ?? false, false);
    keep(type, type.name, { isTypeOf: isTypeOf && guard });
    return;
  }
  const resolveType = type.resolveType ?? defaultTypeResolver;
  const guard: typeof resolveType = (value, context, info, abstract) =>
    attempt<string | undefined>(() => resolveType(value, contextOf(context), info, abstract), undefined);
  keep(type, type.name, { resolveType: guard });
}

function attempt<T>(run: () => T | PromiseLike<T>, otherwise: T): T | Promise<T> {
  try {
    const given = run();
    return isPromise(given) ? Promise.resolve(given).catch(() => otherwise) : (given as T);
  } catch {
    return otherwise;
  }
}
