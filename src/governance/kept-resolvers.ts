import { Enforcement } from './enforcement';

/** Sets guarded resolvers on a field or type. Setting one later throws, since it would have no guard. */
export function keep(carrier: object, name: string, resolvers: Readonly<Record<string, unknown>>): void {
  for (const [kind, resolver] of Object.entries(resolvers)) {
    Object.defineProperty(carrier, kind, {
      configurable: true,
      enumerable: true,
      get: () => resolver,
      set: () => {
        throw new Error(`${name}: its ${kind} is set after govern() and would have no guard; set it before`);
      },
    });
  }
}

/** The context for resolvers: the caller's own, without the enforcement around it. */
export const contextOf = (context: unknown): unknown => {
  const enforcement = Enforcement.of(context);
  return enforcement ? enforcement.contextValue : context;
};
