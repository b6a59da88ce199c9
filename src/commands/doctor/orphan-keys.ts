import { counted } from '../counted';
import { countPeople } from './counts';
import { attention, type Check, ok } from './finding';

/** Keys that belong to no person: each one was made for a row that never came. */
export const orphanKeys: Check = {
  name: 'orphan keys',
  look: async ({ keysSource, regions }) => {
    const [row] = await keysSource.query<Array<{ n: number }>>('SELECT COUNT(*) AS n FROM subject_key');
    let people = 0;
    for (const source of regions.all()) people += await countPeople(source);
    const more = Number(row?.n ?? 0) - people;
    if (more <= 0) return [ok('no more keys than people')];
    const remedy = 'a server destroys such keys each hour: look again later';
    return [attention(`${counted(more, 'key')} more than people`, remedy)];
  },
};
