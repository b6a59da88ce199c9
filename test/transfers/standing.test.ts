import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { IndexStandingApprovals1700000000032 } from '../../migrations/data/1700000000032-index-standing-approvals';
import { bumpPolicy } from '../../src/identity/policy-version';
import { inSnapshot } from '../../src/storage/snapshot';
import { inTransaction } from '../../src/storage/transaction';
import { TransferTable } from '../../src/transfers/transfer-table';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { populate } from './people';
import { approvalIn, approve, askers, decide, readable, request, sccToTheUs } from './transfer-app';

const DAY = 86_400_000;
const PAST = 400;

describe.each(databases)('the approvals that decisions are made by, on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    await populate(app, 'acme', { DE: 1 });
    acme = (await app.services.clients.find('acme'))?.id ?? '';
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const standing = () =>
    inSnapshot(app.stores.regions.home, (from) => app.services.transfers.store.standing(acme, Date.now(), from));

  test('are those that can be in force: a past of hundreds is neither read nor in the way', async () => {
    const source = app.stores.regions.home;
    const [given, over] = [await approve(app, sccToTheUs), await approve(app, sccToTheUs)];
    const coming = await approve(app, { ...sccToTheUs, validFrom: new Date(Date.now() + DAY).toISOString() });
    const asked = approvalIn(await request(app, askers.admin, sccToTheUs)).id;
    const refused = approvalIn(await request(app, askers.admin, sccToTheUs)).id;
    await decide(app, askers.officer, 'rejectTransfer', refused);
    expect(new Set((await standing()).map(({ id }) => id))).toEqual(new Set([given, over, coming, asked]));
    await decide(app, askers.officer, 'revokeTransfer', over);
    // Planted as they are after years: revoked, or over.
    for (let start = 0; start < PAST; start += 100) {
      const rows = Array.from({ length: 100 }, (_, row) => {
        const at = Date.now() - 60 * DAY;
        return [
          acme,
          `past-${start + row}`,
          'CLIENT',
          acme,
          'US',
          'NAME',
          'SUPPORT',
          'SCC',
          at,
          ...(row % 2 ? [at, null] : [null, at]),
        ];
      });
      const places = rows.map((row) => `(${row.map(() => '?').join()})`).join();
      await source.query(
        `INSERT INTO transfer_approval (client_id, id, recipient_kind, recipient_id, destination_country, categories,
           purposes, mechanism, valid_from, ended_at, valid_until) VALUES ${places}`,
        rows.flat(),
      );
      await source.query(
        `INSERT INTO transfer_event (client_id, approval_id, sequence)
         VALUES ${rows.map(() => "(?, ?, '000001')").join()}`,
        rows.flatMap((row) => row.slice(0, 2)),
      );
    }
    const sql = recordSql(source);
    const found = await standing();
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set([given, coming, asked]));
    expect(found.map(({ events }) => events.length).sort()).toEqual([1, 2, 2]);
    const statements = sql.take();
    const read = (table: string) => statements.filter((one) => one.sql.includes(`FROM \`${table}\``));
    expect(
      [read('transfer_approval'), read('transfer_event'), read('transfer_subject')].map((all) => all.length),
    ).toEqual([1, 1, 0]);
    const [ofEvents] = read('transfer_event');
    expect(new Set(ofEvents?.parameters)).toEqual(new Set([acme, given, coming, asked]));
    // The past is found by an index that leaves it out, and so is never counted in rows.
    const [ofApprovals] = read('transfer_approval');
    const explain = name === 'SQLite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
    const plan = await source.query(`${explain} ${ofApprovals?.sql}`, [...(ofApprovals?.parameters ?? [])]);
    expect(JSON.stringify(plan)).toContain('transfer_approval_standing');
    expect(await readable(app, askers.agent('US'))).toEqual(['DE']);
  });

  test('leave one table for each question: that of an earlier policy is not kept', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const asked = new Map<number, WeakRef<TransferTable>>();
    let version = 0;
    const { transfer } = TransferTable.prototype;
    TransferTable.prototype.transfer = function (residency) {
      asked.set(version, new WeakRef(this));
      return transfer.call(this, residency);
    };
    try {
      for (; version < 20; version++) {
        await inTransaction(app.stores.regions.home, (manager) => bumpPolicy(manager, acme));
        await readable(app, askers.agent('US'));
      }
    } finally {
      TransferTable.prototype.transfer = transfer;
    }
    await new Promise(setImmediate);
    collect();
    expect(asked.size).toBe(20);
    expect([...asked.values()].filter((table) => table.deref() !== undefined).length).toBeLessThan(5);
  });

  test('an update marks those that were rejected or revoked before, and no other', async () => {
    const source = app.stores.regions.home;
    const marked = () =>
      source.query<object[]>(
        `SELECT id, ended_at FROM transfer_approval WHERE ended_at IS NOT NULL AND id NOT LIKE 'past-%' ORDER BY id`,
      );
    const before = await marked();
    expect(before).toHaveLength(2);
    await source.query('UPDATE transfer_approval SET ended_at = NULL');
    const runner = source.createQueryRunner();
    await new IndexStandingApprovals1700000000032().up(runner).finally(() => runner.release());
    expect(await marked()).toEqual(before);
  });
});
