import { verifyCertificate } from '../../src/erasure/records/certificate';
import type { Installation } from '../erasure/installation';
import { remit } from '../support/cli';
import type { Tally } from './workload';

/**
 * What a run left behind, beside what it acknowledged. Every list of a sound product is empty. A write that was never
 * acknowledged may be there or not, but never in part and never twice.
 */
export type Reconciled = Readonly<Record<'lost' | 'doubled' | 'inexactErasures' | 'leftBehind' | 'commands', string[]>>;

/** @param emailOf what a person's address is now, by the product itself */
export async function reconcile(
  { stores, services, folder, env }: Installation,
  client: string,
  tally: Tally,
  emailOf: (id: string) => Promise<string | undefined>,
): Promise<Reconciled> {
  const found: Reconciled = { lost: [], doubled: [], inexactErasures: [], leftBehind: [], commands: [] };
  const data = await stores.regions.of(client);
  const idsIn = async (source: typeof data, sql: string): Promise<Map<string, number>> => {
    const rows = await source.query<Array<{ id: string; n: number | string }>>(sql, [client]);
    return new Map(rows.map(({ id, n }) => [id, Number(n)]));
  };
  const once = (what: string, wanted: Iterable<string>, there: ReadonlyMap<string, number>) => {
    for (const each of wanted) if (!there.has(each)) found.lost.push(`${what} ${each}`);
    for (const [each, n] of there) if (n > 1) found.doubled.push(`${what} ${each}: ${n} times`);
  };

  const counted = (column: string, from: string) =>
    idsIn(data, `SELECT ${column} AS id, COUNT(*) AS n FROM ${from} GROUP BY ${column}`);
  const granted = `purpose_grant WHERE client_id = ? AND grantee_kind = 'PRINCIPAL'`;
  once('grant', tally.grants, await counted('reason', granted));
  once('withdrawal', tally.withdrawn, await counted('reason', `${granted} AND withdrawn_at IS NOT NULL`));
  once('transfer', tally.transfers, await counted('safeguards', 'transfer_approval WHERE client_id = ?'));

  const people = await idsIn(data, `SELECT id, 1 AS n FROM customer WHERE client_id = ?`);
  const known = new Set(tally.people.map(({ id }) => id));
  const strangers = [...people.keys()].filter((id) => !known.has(id));
  // Each write was sent again under its key until an answer came.
  if (strangers.length > tally.unanswered)
    found.doubled.push(`${strangers.length} people whom nobody was told of: ${strangers.slice(0, 5)}`);
  const keys = await idsIn(stores.keysSource, `SELECT subject_id AS id, 1 AS n FROM subject_key WHERE client_id = ?`);
  const signedBy = await services.erasure.signingKeys.publicKeys();
  for (const { id, email, tried, erasure, mayBeErased } of tally.people) {
    if (erasure === undefined) {
      if (mayBeErased) continue;
      const now = await emailOf(id);
      if (now === undefined) found.lost.push(`person ${id}`);
      else if (![email, ...tried].includes(now)) found.lost.push(`update of ${id}: ${email} is ${now}`);
      continue;
    }
    if (people.has(id)) found.leftBehind.push(`row of ${id}`);
    if (keys.has(id)) found.leftBehind.push(`key of ${id}`);
    const steps = await services.erasure.erasures.steps(client, erasure);
    const rows = Object.fromEntries(steps.map((step) => [step.store.replace(/^(data|keys):/, ''), step.rows]));
    const { certificate, outcome } = await services.erasure.records.require(client, erasure);
    const { erased } = await verifyCertificate(certificate ?? '', signedBy);
    const isCertified = JSON.stringify(erased) === JSON.stringify(outcome?.erased);
    if (rows.customer !== 1 || rows.subject_key !== 1 || !isCertified)
      found.inexactErasures.push(`${erasure}: ${JSON.stringify(rows)}`);
  }
  const run = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await remit(words, { cwd: folder, env });
    if (code !== 0 && !words.includes('--json'))
      found.commands.push(`remit ${words.join(' ')}: ${code} ${stdout.slice(-1_500)} ${stderr.slice(-500)}`);
    return stdout;
  };
  await run('audit', 'verify');
  await run('census');
  const { records } = JSON.parse(await run('audit', 'verify', '--records', '--json')) as {
    records: { findings: Array<{ problem: string; table: string; row: string }> };
  };
  // A process that is killed between an entry and its change leaves a decision that nobody was told of.
  const untold = ({ problem, row }: { problem: string; row: string }) =>
    (problem === 'MISSING' && !tally.made.has(row)) || (problem === 'DIFFERS' && !tally.changed.has(row));
  const unexplained = records.findings.filter((finding) => !untold(finding));
  found.commands.push(...unexplained.map((finding) => `remit audit verify --records: ${JSON.stringify(finding)}`));
  return found;
}
