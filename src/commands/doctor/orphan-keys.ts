import { PLATFORM } from '../../keys/platform-key';
import { counted } from '../counted';
import { countPeople } from './counts';
import { attention, type Check, ok } from './finding';

/** Keys that belong to no person: each one was made for a row that never came. */
export const orphanKeys: Check = {
  name: 'orphan keys',
  look: async ({ keysSources, regions }) => {
    let keys = 0;
    for (const source of keysSources) {
      // The platform's own keys are of nobody.
      const [row] = await source.query<Array<{ n: number }>>(
        'SELECT COUNT(*) AS n FROM subject_key WHERE client_id <> ?',
        [PLATFORM],
      );
      keys += Number(row?.n ?? 0);
    }
    let people = 0;
    for (const source of regions.all()) people += await countPeople(source);
    const more = keys - people;
    if (more <= 0) return [ok('no more keys than people')];
    const remedy = 'a server destroys such keys each hour: look again later';
    return [attention(`${counted(more, 'key')} more than people`, remedy)];
  },
};
