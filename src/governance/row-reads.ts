import type { MarkedRow, RowGroup, RowRequest, RowSource } from './row-source';

interface Made {
  readonly args: RowRequest['args'];
  readonly parents: readonly MarkedRow[];
  readonly groups: Promise<readonly RowGroup[]>;
}

/** The reads of one answer. Fields that ask the same of the same rows, under two names or by two ways, share one. */
export class RowReads {
  readonly #made = new Map<RowSource, Made[]>();

  read(source: RowSource, request: RowRequest): Promise<readonly RowGroup[]> {
    const { args, parents } = request;
    // Fields of the root are read each by itself, as resolvers do: what they note of a read is noted for each.
    if (parents.length === 0) return source.read(request);
    const made = this.#made.get(source) ?? [];
    this.#made.set(source, made);
    const same = made.find((one) => areSame(one.parents, parents) && areEqual(one.args, args));
    if (same) return same.groups;
    const groups = source.read(request);
    made.push({ args, parents, groups });
    return groups;
  }
}

const areSame = (some: readonly MarkedRow[], others: readonly MarkedRow[]): boolean =>
  some.length === others.length &&
  some.every(({ cells, mark }, index) => cells === others[index]?.cells && mark === others[index]?.mark);

/** An object among arguments is like no other. */
const areEqual = (some: RowRequest['args'], others: RowRequest['args']): boolean => {
  const names = Object.keys(some);
  return names.length === Object.keys(others).length && names.every((name) => Object.is(some[name], others[name]));
};

/** Waits for all works, so that none goes on alone. Then it fails as the first that failed. */
export async function allDone(works: ReadonlyArray<Promise<void>>): Promise<void> {
  const settled = await Promise.allSettled(works);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}
