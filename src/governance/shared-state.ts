/** To be raised when a new version cannot share state with an older one. */
const FORMAT = 1;

/**
 * State about schemas that all copies of this module in a process share, since a program may load it both as an
 * ECMAScript module and as CommonJS. So a schema that both copies govern is guarded once.
 */
export function shared<T>(name: string, make: () => T): T {
  const key = Symbol.for(`@remit/governance/${FORMAT}/${name}`);
  const place = globalThis as unknown as Record<symbol, T | undefined>;
  place[key] ??= make();
  return place[key];
}
