/** Some things that have one key: at least one. */
export type Group<T> = readonly [first: T, ...others: T[]];

/** Things by a key, in the order in which each key came first. */
export function grouped<T>(things: Iterable<T>, keyOf: (thing: T) => unknown): Array<Group<T>> {
  const groups = new Map<unknown, [T, ...T[]]>();
  for (const thing of things) {
    const key = keyOf(thing);
    const group = groups.get(key);
    if (group) group.push(thing);
    else groups.set(key, [thing]);
  }
  return [...groups.values()];
}
