import { Enforcement } from './enforcement';

/** Gives what carries a resolver its guarded ones, and holds it to them: one that is set later would have no guard. */
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

/** What a resolver gets as its context: the caller's, not the enforcement around it. */
export const contextOf = (context: unknown): unknown => {
  const enforcement = Enforcement.of(context);
  return enforcement ? enforcement.contextValue : context;
};
