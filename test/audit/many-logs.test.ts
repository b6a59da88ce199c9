import type { DataSource, QueryRunner } from 'typeorm';
import { canonical } from '../../src/audit/log/canonical';
import { originOf, signedCheckpointNote } from '../../src/audit/log/checkpoint';
import { keptHeads } from '../../src/audit/log/checkpoint-store';
import { type EntryRow, entryColumns, entryOf } from '../../src/audit/log/entry';
import { hashLeaf, rootOf } from '../../src/audit/log/merkle';
import { type Verification, verifyLedger } from '../../src/audit/verification/verification';
import { Lease } from '../../src/connections/lease';
import { createServices, type Services } from '../../src/services';
import { dialectOf } from '../../src/storage/dialect';
import { insertStatement } from '../../src/storage/sql';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';

/** Logs of processes that died, as a fleet leaves them whose disk was full for a while. */
const DEAD = 5_000;
const HOUR = 60 * 60_000;

describe.each(databases)('logs of the ledger do not pile up on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let home: DataSource;

  beforeEach(async () => {
    database = await create();
    app = await openTestApp(database);
    home = app.stores.regions.home;
  });

  afterEach(async () => {
    await app.close();
    await database.drop();
  });

  /** A process of its own on the same stores, which writes one entry. */
  async function begin(): Promise<{ services: Services; log: string }> {
    const services = createServices(app.stores);
    await services.recorder.record('GRANT_GIVEN', { principal: 'test' });
    const [head] = await services.ledger.heads();
    return { services, log: head?.logId ?? '' };
  }

  async function verify(): Promise<Verification> {
    const { publicKey } = await app.services.ledger.signer();
    return verifyLedger([home], { publicKey, witnessed: [], anchored: [] });
  }

  const unsettled = async () =>
    (await home.query<Array<{ log_id: string }>>('SELECT log_id FROM audit_log WHERE settled = 0')).map(
      ({ log_id }) => log_id,
    );

  const firstEntry = async (log: string) => {
    const [row] = await home.query<EntryRow[]>(
      `SELECT ${entryColumns} FROM audit_entry WHERE log_id = ? AND sequence = 0`,
      [log],
    );
    return row as EntryRow;
  };

  /** Whole logs of one entry each, whose processes died two hours ago. */
  async function plantDead(): Promise<string[]> {
    const signer = await app.services.ledger.signer();
    const ids = Array.from({ length: DEAD }, (_, at) => `01900000-0000-7000-8000-${String(at).padStart(12, '0')}`);
    const logs: unknown[][] = [];
    const entries: unknown[][] = [];
    for (const [at, log] of ids.entries()) {
      const id = `01900000-0000-7000-9000-${String(at).padStart(12, '0')}`;
      const body = Buffer.from(canonical({ kind: 'LOG_OPENED', id, client: null, log, sequence: 0, before: [] }));
      const leaf = hashLeaf(body);
      const checkpoint = signedCheckpointNote({ origin: originOf(log), size: 1, root: rootOf([leaf]) }, [signer]);
      logs.push([log, Date.now() - 3 * HOUR, 0, 0, Date.now() - 2 * HOUR]);
      entries.push([log, 0, id, null, body, leaf.toString('base64url'), checkpoint]);
    }
    const plant = async (table: string, columns: string[], rows: unknown[][]) => {
      for (let from = 0; from < rows.length; from += 500) {
        const part = rows.slice(from, from + 500);
        await home.query(insertStatement(table, columns, part.length), part.flat());
      }
    };
    await plant('audit_log', ['log_id', 'opened_at', 'settled', 'pruned', 'alive_until'], logs);
    await plant('audit_entry', entryColumns.split(', '), entries);
    return ids;
  }

  test(`${DEAD} logs of dead processes cost the next opening a few statements and a short entry, once`, async () => {
    const dead = await plantDead();
    const sql = recordSql(home);
    const { services, log } = await begin();
    const statements = sql.take();
    // The database's clock five times, a page of them and an empty one, the log with its ends and its entry, settling
    // by the thousand, and the change.
    expect(statements.length).toBeLessThanOrEqual(17);
    const { body } = await firstEntry(log);
    expect(body.length).toBeLessThan(1_000);
    expect(entryOf(body).earlier).toMatchObject({ logs: DEAD });
    expect(await unsettled()).toEqual([log]);

    // The one after that finds one log, whose process lives.
    sql.take();
    const next = await begin();
    expect(sql.take().length).toBeLessThanOrEqual(10);
    expect(entryOf((await firstEntry(next.log)).body).earlier).toMatchObject({ logs: 1 });
    expect((await unsettled()).sort()).toEqual([log, next.log].sort());

    // What the first one said still holds: a log that is left out is named.
    const [gone = ''] = dead.slice(1_234);
    await home.query('DELETE FROM audit_entry WHERE log_id = ?', [gone]);
    await home.query('DELETE FROM audit_log WHERE log_id = ?', [gone]);
    const { findings, entries } = await verify();
    expect(entries).toBe(DEAD - 1 + 2 + 2);
    expect(findings).toEqual([expect.objectContaining({ problem: 'MISSING', log: gone, sequence: 0 })]);
    expect(findings[0]?.message).toBe(`the whole log is missing: log ${log} saw 1 entries of it`);
    await services.ledger.close();
    await next.services.ledger.close();
  }, 60_000);

  test('whoever deletes or rewrites what a log keeps of the logs before it is found out', async () => {
    const first = await begin();
    await first.services.recorder.record('GRANT_GIVEN', { principal: 'test' });
    const { log } = await begin();
    expect(await verify()).toMatchObject({ sound: true });
    const [kept] = await home.query<Array<{ ends: Buffer }>>('SELECT ends FROM audit_earlier WHERE log_id = ?', [log]);
    expect(String(kept?.ends)).toMatch(new RegExp(`^${first.log} 3 \\S+\n$`));

    // The log is cut to its first entry, and what is kept of it says that it never had more.
    const { checkpoint } = await firstEntry(first.log);
    await home.query('DELETE FROM audit_entry WHERE log_id = ? AND sequence > 0', [first.log]);
    const cut = await verify();
    expect(cut.findings).toEqual([expect.objectContaining({ problem: 'MISSING', log: first.log, sequence: 1 })]);
    expect(cut.findings[0]?.message).toContain(`log ${log} saw 3`);
    const root = checkpoint?.split('\n')[2] ?? '';
    await home.query('UPDATE audit_earlier SET ends = ? WHERE log_id = ?', [
      Buffer.from(`${first.log} 1 ${root}\n`),
      log,
    ]);
    expect((await verify()).findings).toEqual([expect.objectContaining({ problem: 'ALTERED', log, sequence: 0 })]);
    await home.query('DELETE FROM audit_earlier WHERE log_id = ?', [log]);
    expect((await verify()).findings).toEqual([expect.objectContaining({ problem: 'MISSING', log, sequence: 0 })]);
  });

  test('entries of earlier versions, which name every log before them, are held to it as before', async () => {
    const first = await begin();
    const signer = await app.services.ledger.signer();
    const log = '01900000-0000-7000-8000-000000000001';
    const id = '01900000-0000-7000-9000-000000000001';
    const [head] = await first.services.ledger.heads();
    const root = head?.checkpoint.split('\n')[2] ?? '';
    const before = [{ log: first.log, size: head?.size ?? 0, root }];
    const body = Buffer.from(canonical({ kind: 'LOG_OPENED', id, client: null, log, sequence: 0, before }));
    const leaf = hashLeaf(body);
    const checkpoint = signedCheckpointNote({ origin: originOf(log), size: 1, root: rootOf([leaf]) }, [signer]);
    await home.query('INSERT INTO audit_log (log_id, opened_at, settled, pruned) VALUES (?, 0, 0, 0)', [log]);
    await home.query(insertStatement('audit_entry', entryColumns.split(', '), 1), [
      ...[log, 0, id, null, body, leaf.toString('base64url'), checkpoint],
    ]);
    expect(await verify()).toMatchObject({ sound: true });
    await home.query('DELETE FROM audit_entry WHERE log_id = ? AND sequence = 1', [first.log]);
    expect((await verify()).findings).toEqual([
      expect.objectContaining({ problem: 'MISSING', log: first.log, message: expect.stringContaining(`log ${log}`) }),
    ]);
  });

  test('a log whose process stopped is settled by the next one, and goes on only as another', async () => {
    const stopped = await begin();
    const alive = await begin();
    await stopped.services.ledger.close();
    const next = await begin();
    expect((await unsettled()).sort()).toEqual([alive.log, next.log].sort());
    // It only seemed to be over: it writes again, and no entry comes where nobody looks any more.
    await stopped.services.recorder.record('GRANT_GIVEN', { principal: 'again' });
    const [again] = await stopped.services.ledger.heads();
    expect(again?.logId).not.toBe(stopped.log);
    expect(await unsettled()).toContain(again?.logId);
    // One that nobody settled goes on.
    await alive.services.ledger.close();
    await alive.services.recorder.record('GRANT_GIVEN', { principal: 'again' });
    expect((await alive.services.ledger.heads())[0]).toMatchObject({ logId: alive.log, size: 3 });
    const { publicKey } = await app.services.ledger.signer();
    const { heads: witnessed } = await keptHeads(app.stores.keysSource, publicKey);
    expect(await verifyLedger([home], { publicKey, witnessed, anchored: [] })).toMatchObject({ sound: true });
  });

  test('a process that only waits keeps its log', async () => {
    const waiting = await begin();
    const now = jest.spyOn(performance, 'now');
    try {
      const began = performance.now();
      now.mockImplementation(() => began + 8 * 60_000);
      const sql = recordSql(home);
      await waiting.services.ledger.keepAlive();
      expect(sql.take()).toHaveLength(1);
      await waiting.services.ledger.keepAlive();
      expect(sql.take()).toHaveLength(0);
    } finally {
      now.mockRestore();
    }
    await begin();
    expect(await unsettled()).toContain(waiting.log);
  });

  test('a write that the database refuses opens no other log; one that is lost opens a single one', async () => {
    const { services, log } = await begin();
    const logs = async () => (await home.query<unknown[]>('SELECT log_id FROM audit_log')).length;
    const before = await logs();
    const refuse = refusing(home, name === 'SQLite' ? 'SQLITE_FULL' : 'ER_RECORD_FILE_FULL');
    const tries = Array.from({ length: 20 }, (_, at) => at);
    for (const _ of tries) {
      await expect(services.recorder.record('GRANT_GIVEN', { principal: 'full' })).rejects.toThrow(/cannot be written/);
    }
    expect(refuse.end()).toBe(20);
    await services.recorder.record('GRANT_GIVEN', { principal: 'free' });
    expect([await logs(), (await services.ledger.heads())[0]]).toMatchObject([before, { logId: log, size: 3 }]);

    const lose = refusing(home, 'PROTOCOL_CONNECTION_LOST');
    const lost = tries.map(() => services.recorder.record('GRANT_GIVEN', { principal: 'lost' }).catch(() => 'refused'));
    expect(new Set(await Promise.all(lost))).toEqual(new Set(['refused']));
    await expect(services.recorder.record('GRANT_GIVEN', { principal: 'lost' })).rejects.toThrow(/cannot be written/);
    // Of twenty-one, one met the log and one a new one, which did not come to be. Each is sent three times, and each
    // time in a transaction of the embedded database, which repeats too.
    expect(lose.end()).toBe(name === 'SQLite' ? 12 : 6);
    await services.recorder.record('GRANT_GIVEN', { principal: 'back' });
    expect(await logs()).toBe(before + 1);
    expect(await verify()).toMatchObject({ sound: true });
  });
});

/** Lets every write of entries fail with a code, until its end. @returns how many it met */
function refusing(source: DataSource, code: string): { end(): number } {
  let met = 0;
  const failure = () => {
    met++;
    return Object.assign(new Error('refused'), { driverError: Object.assign(new Error(code), { code }) });
  };
  const isEntry = (sql: unknown) => String(sql).startsWith('INSERT INTO `audit_entry`');
  const runners = source.createQueryRunner.bind(source);
  const wrapped = new Set<QueryRunner>();
  const runs = Lease.prototype.run;
  const spies = [
    dialectOf(source).embedded
      ? jest.spyOn(source, 'createQueryRunner').mockImplementation((mode) => {
          const runner = runners(mode);
          if (wrapped.has(runner)) return runner;
          wrapped.add(runner);
          const query = runner.query.bind(runner);
          Object.assign(runner, {
            query: (sql: string, ...rest: never[]) => (isEntry(sql) ? Promise.reject(failure()) : query(sql, ...rest)),
          });
          return runner;
        })
      : jest.spyOn(Lease.prototype, 'run').mockImplementation(function (this: Lease, statement) {
          return isEntry(statement.sql)
            ? Promise.reject(Object.assign(failure(), { code }))
            : runs.call(this, statement);
        }),
  ];
  return {
    end: () => {
      for (const spy of spies) spy.mockRestore();
      for (const runner of wrapped) Reflect.deleteProperty(runner, 'query');
      return met;
    },
  };
}
