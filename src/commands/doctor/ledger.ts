import type { Config } from '../../config';
import { DAY_MS, MINUTE_MS } from '../../law/calendar';
import { counted } from '../counted';
import { attention, type Check, type Finding, fault, ok } from './finding';

/** A process that opens a log reads every unsettled one. */
const MANY_LOGS = 500;
const ANCHORED_WITHIN_MS = 60 * MINUTE_MS;

/** How many logs wait to be settled, and whether the outside sees the newest entries. */
export const ledger: Check = {
  name: 'ledger',
  look: async ({ regions, config }) => {
    let [logs, unsettled, oldest] = [0, 0, Number.POSITIVE_INFINITY];
    const seen: Array<{ anchored: number; entries: number }> = [];
    for (const source of regions.all()) {
      const rows = await source.query<Array<{ settled: number; n: number; first: number | null }>>(
        'SELECT settled, COUNT(*) AS n, MIN(opened_at) AS first FROM audit_log GROUP BY settled',
      );
      for (const row of rows) {
        logs += Number(row.n);
        if (Number(row.settled) === 1) continue;
        unsettled += Number(row.n);
        oldest = Math.min(oldest, Number(row.first));
      }
      const [anchor] = await source.query<Array<{ last: number | null }>>(
        'SELECT MAX(anchored_at) AS last FROM audit_anchor',
      );
      const [log] = await source.query<Array<{ last: number | null }>>('SELECT MAX(opened_at) AS last FROM audit_log');
      seen.push({ anchored: Number(anchor?.last ?? 0), entries: Number(log?.last ?? 0) });
    }
    return [
      unsettled > MANY_LOGS
        ? attention(
            `${counted(unsettled, 'log')} not settled, the oldest of ${dayOf(oldest)}: a new process starts slowly`,
            'look why processes end so often; the log says `the audit ledger failed`',
          )
        : ok(`${counted(logs, 'log')}, ${unsettled} of them open or not settled yet`),
      ...unanchored(config, seen),
    ];
  },
};

function unanchored({ auditAnchors }: Config, seen: ReadonlyArray<{ anchored: number; entries: number }>): Finding[] {
  if (!auditAnchors?.witness && auditAnchors?.timestampUrl === undefined) return [];
  const last = Math.max(...seen.map(({ anchored }) => anchored), 0);
  const entries = Math.max(...seen.map(({ entries: newest }) => newest), 0);
  if (last === 0 && entries === 0) return [];
  const remedy = 'does it answer? The log says `the audit ledger could not be anchored`';
  if (last === 0) return [attention('no witness or time stamp has ever seen the ledger', remedy)];
  const age = Date.now() - last;
  if (age < ANCHORED_WITHIN_MS) return [ok('a witness or time stamp saw the ledger within the hour')];
  const says = `the last witness or time stamp of the ledger is of ${dayOf(last)}`;
  return [age > DAY_MS && entries > last ? fault(says, remedy) : attention(says, remedy)];
}

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
