import type { DataSource } from 'typeorm';
import { haveLosses } from '../../keys/epochs/losses';
import { DAY_MS, HOUR_MS } from '../../law/calendar';
import { committed } from '../../storage/transaction';
import { counted } from '../counted';
import { attention, type Check, type Finding, fault, ok } from './finding';

/** How long a turn may take, and how late the task may come that turns. */
const SLACK_MS = 2 * HOUR_MS;

interface Row {
  readonly number: number;
  readonly state: 'CURRENT' | 'TURNING' | 'DESTROYING' | 'ENDED';
  readonly begun_at: number;
  readonly ended_at: number | null;
}

/** Whether the epochs of keys end as they should, so that what is erased becomes final. */
export const epochs: Check = {
  name: 'epochs',
  look: async ({ keysStores, config }) => {
    const found: Finding[] = [];
    for (const { variable, source } of keysStores) {
      const said = await looked(source, config.epoch);
      found.push(...said.map((finding) => ({ ...finding, says: `${variable}: ${finding.says}` })));
    }
    return found;
  },
};

async function looked(source: DataSource, everyMs: number | 'off'): Promise<Finding[]> {
  const rows = await committed(source, () =>
    source.query<Row[]>('SELECT number, state, begun_at, ended_at FROM key_epoch ORDER BY number'),
  );
  const current = rows.at(-1);
  if (!current) return [ok('no epoch has begun: there are no keys yet')];
  const begun = Number(current.begun_at);
  return [
    ok(`epoch ${current.number} began on ${momentOf(begun)}`),
    ...(everyMs === 'off'
      ? [
          attention(
            'epochs do not end: what is erased can be read from logs and backups of the keys’ store',
            'set REMIT_EPOCH=daily; production needs it',
          ),
        ]
      : await overdue(source, Number(current.number), begun + everyMs)),
    ...rows.flatMap((row, place) => ending(row, Number(rows[place + 1]?.begun_at ?? begun))),
  ];
}

async function overdue(source: DataSource, number: number, due: number): Promise<Finding[]> {
  const late = Date.now() - due;
  if (late < SLACK_MS || !(await hasDestroyed(source))) return [];
  const says = `epoch ${number} should have ended ${counted(Math.floor(late / HOUR_MS), 'hour')} ago`;
  const remedy = 'does a server run? The log says `background work failed` for `key epochs`; remit keys turn says why';
  return [(late > DAY_MS ? fault : attention)(says, remedy)];
}

async function hasDestroyed(source: DataSource): Promise<boolean> {
  const [marked] = await committed(source, () =>
    source.query<unknown[]>('SELECT client_id FROM client_key WHERE marked > 0 LIMIT 1'),
  );
  return marked !== undefined || haveLosses(source);
}

/** @param since when the next epoch began */
function ending({ number, state, ended_at: end }: Row, since: number): Finding[] {
  const finalAt = Number(end ?? 0);
  if (state === 'ENDED' && finalAt > Date.now()) {
    return [ok(`epoch ${number} is final on ${momentOf(finalAt)}: until then the key service keeps its root`)];
  }
  const age = Date.now() - since;
  if (state === 'CURRENT' || state === 'ENDED' || age < SLACK_MS) return [];
  const says = `epoch ${number} has been ending for ${counted(Math.floor(age / HOUR_MS), 'hour')} (${state})`;
  return [(age > DAY_MS ? fault : attention)(says, 'remit keys turn goes on with it, and says what is in the way')];
}

const momentOf = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
