import { pendingMigrations } from '../../storage/data-source';
import { dialectOf } from '../../storage/dialect';
import { counted } from '../counted';
import { attention, type Check, type Finding, fault, orWell } from './finding';
import type { Patient } from './patient';

/** Whether databases and program are of one version. */
export const migrations: Check = {
  name: 'migrations',
  look: async ({ open }) => {
    const found: Finding[] = [];
    for (const store of open) found.push(...(await looked(store)));
    return open.length === 0 ? [] : orWell(found, 'the databases are as this version needs them');
  },
};

async function looked({ variable, source }: Patient['open'][number]): Promise<Finding[]> {
  const pending = (await pendingMigrations(source)).length;
  if (pending > 0) {
    const says = `${variable}: ${counted(pending, 'migration')} pending`;
    if (dialectOf(source).embedded) return [attention(says, 'a server runs them when it starts')];
    return [fault(says, 'run: remit migrate')];
  }
  const done = await source.query<Array<{ name: string }>>('SELECT name FROM migrations');
  const known = new Set(source.migrations.map((migration) => migration.name ?? migration.constructor.name));
  const newer = done.filter(({ name }) => !known.has(name)).length;
  if (newer === 0) return [];
  const says = `${variable}: ${counted(newer, 'migration')} of a newer version`;
  return [fault(says, 'run that version: this one does not know these tables')];
}
