/** Changes when copies of this module could no longer work with what another one keeps. */
const FORMAT = 1;

/**
 * State that belongs to schemas, and is the same for all copies of this module in a process: a program may load it both
 * as ECMAScript module and as CommonJS. A schema that two copies govern is then guarded once.
 */
export function shared<T>(name: string, make: () => T): T {
  const key = Symbol.for(`@remit/governance/${FORMAT}/${name}`);
  const place = globalThis as unknown as Record<symbol, T | undefined>;
  place[key] ??= make();
  return place[key];
}
