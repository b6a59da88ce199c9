import type { DataSource } from 'typeorm';
import { timeOfId } from '../../audit/log/entry';
import { send } from '../../outbound/http';
import { dialectOf } from '../../storage/dialect';
import { attention, type Check, type Finding, fault, ok } from './finding';
import { NotAtHand, type Patient } from './patient';

/** Terms, withdrawals and tokens are judged by clocks: more than this is worth a look, and much more a fault. */
const LOOK_S = 2;
const FAULT_S = 30;
const policy = { timeoutMs: 3_000, maxBytes: 64 * 1024, privateAddresses: true };

/** How far the clocks of this process, the databases, the issuer and other processes are apart. */
export const clocks: Check = {
  name: 'clocks',
  look: async (patient) => {
    const found: Finding[] = [];
    for (const { variable, source } of patient.open) {
      if (!dialectOf(source).embedded) found.push(judged(variable, await ahead(() => secondsOf(source))));
    }
    const issuer = patient.config.oidcIssuer;
    const ofIssuer = issuer === undefined ? undefined : await ahead(() => dateOf(issuer)).catch(() => undefined);
    if (ofIssuer !== undefined) found.push(judged('the issuer', ofIssuer));
    found.push(...(await ledgerAhead(patient)));
    return found.length > 0 ? found : [ok('this process has the only clock')];
  },
};

/** By how many seconds a clock is ahead of this one; what the way there and back took is no difference. */
async function ahead(read: () => Promise<number>): Promise<number> {
  const before = Date.now() / 1_000;
  const there = await read();
  const after = Date.now() / 1_000;
  // Both clocks say whole seconds only.
  if (there + 1 < before) return there + 1 - before;
  return there > after ? there - after : 0;
}

function judged(whose: string, seconds: number): Finding {
  const apart = Math.abs(seconds);
  if (apart < LOOK_S) return ok(`${whose}: within ${LOOK_S} s of this process`);
  const says = `${whose}: ${Math.round(apart)} s ${seconds > 0 ? 'ahead of' : 'behind'} this process`;
  return (apart < FAULT_S ? attention : fault)(says, 'set both hosts by one time server (NTP)');
}

async function secondsOf(source: DataSource): Promise<number> {
  const [row] = await source.query<Array<{ seconds: number }>>(`SELECT ${dialectOf(source).now} AS seconds`);
  return Number(row?.seconds);
}

async function dateOf(issuer: string): Promise<number> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const { date } = await send({ url, method: 'GET' }, policy);
  const seconds = Date.parse(date ?? '') / 1_000;
  if (Number.isNaN(seconds)) throw new Error('no date');
  return seconds;
}

/** An entry of the ledger from the future was written by a process whose clock is ahead. */
async function ledgerAhead(patient: Patient): Promise<Finding[]> {
  const latest: number[] = [];
  try {
    for (const source of patient.regions.all()) {
      const [row] = await source.query<Array<{ last: string | null }>>('SELECT MAX(entry_id) AS last FROM audit_entry');
      if (row?.last) latest.push(timeOfId(row.last));
    }
  } catch (error) {
    if (error instanceof NotAtHand) return [];
    throw error;
  }
  const seconds = (Math.max(...latest, 0) - Date.now()) / 1_000;
  return seconds < LOOK_S ? [] : [judged('a process that wrote the ledger', seconds)];
}
