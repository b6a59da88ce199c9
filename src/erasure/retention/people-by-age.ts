import { limitOf, own, type Reads } from '../../tenancy/tenant-sql';
import { PAGE } from '../requests/bulk-filing';

/** Behind whom a sweep goes on, in the order of their creation. */
interface Age {
  readonly createdAt: number;
  readonly id: string;
}

/** A rule, by what tells it from others. */
interface RuleKey {
  readonly client: string;
  readonly category: string | null;
}

/** A rule, and behind whom a sweep goes on with it. */
interface Place extends RuleKey {
  readonly age: Age;
}

/** Before everybody. */
export const beginning: Age = { createdAt: -1, id: '' };

/** The place in a form to be kept. */
export const placeOf = ({ client, category }: RuleKey, { createdAt, id }: Age): string =>
  JSON.stringify([client, category, createdAt, id]);

/** The reverse of {@link placeOf}. What cannot be read is the beginning: nobody is left out. */
export function placeIn(kept: string | undefined): Place | undefined {
  try {
    const [client, category, createdAt, id] = JSON.parse(kept ?? '') as unknown[];
    const isWhole = typeof client === 'string' && typeof createdAt === 'number' && typeof id === 'string';
    return isWhole ? { client, category: category as string | null, age: { createdAt, id } } : undefined;
  } catch {
    return undefined;
  }
}

/** The scope of a rule for whole people. */
export const WHOLE_PERSON = 'PERSON';

/** Rules in the order in which sweeps go through them. */
export const byClient = (a: RuleKey, b: RuleKey): number =>
  compare(a.client, b.client) || compare(a.category ?? WHOLE_PERSON, b.category ?? WHOLE_PERSON);

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** A client's people in the order of their creation, page by page, within a limit. */
export class PeopleByAge {
  /** How many were looked at. */
  looked = 0;
  /** Whether the limit came before the last of them. */
  isCut = false;
  last: Age;

  constructor(behind: Age) {
    this.last = behind;
  }

  /** Ids of those created before the cutoff. */
  async *pages(client: Reads, cutoff: number, limit: number): AsyncGenerator<string[]> {
    for (;;) {
      const { createdAt, id } = this.last;
      const most = Math.min(PAGE, limit - this.looked);
      const rows = await client.select<{ id: string; at: number }>`
        SELECT id, created_at AS at FROM customer WHERE ${own} AND created_at >= ${createdAt}
        AND created_at < ${cutoff} AND (created_at > ${createdAt} OR id > ${id})
        ORDER BY created_at, id LIMIT ${limitOf(most)}`;
      const last = rows.at(-1);
      if (!last) return;
      yield rows.map((row) => row.id);
      this.looked += rows.length;
      this.last = { createdAt: Number(last.at), id: last.id };
      this.isCut = this.looked >= limit;
      if (this.isCut || rows.length < most) return;
    }
  }
}
