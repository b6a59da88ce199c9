import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { inSnapshot } from '../../src/storage/snapshot';
import { readCells, runStatement } from '../../src/storage/statements';
import { inTransaction } from '../../src/storage/transaction';
import { databases, type TestDatabase } from '../support/databases';

describe.each(databases)('statements of their own on $name', ({ create }) => {
  let database: TestDatabase;
  let source: DataSource;
  beforeAll(async () => {
    database = await create();
    source = await openDataSource(database.databaseUrl, { variable: 'DATABASE_URL', entities: [], migrations: [] });
    await source.query('CREATE TABLE note (id varchar(36) PRIMARY KEY, text varchar(64), sealed blob, n bigint)');
    const rows = ['one', 'zwei — zwölf', null].map((text, index) => [
      ...[`id-${index}`, text, Buffer.from([0, 255, index])],
      2 ** 53 - 1 - index,
    ]);
    for (const row of rows) await source.query('INSERT INTO note VALUES (?, ?, ?, ?)', row);
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  const sql = 'SELECT id, text, sealed, n, id FROM note WHERE id >= ? ORDER BY id';
  const cells = [
    ['id-1', 'zwei — zwölf', Buffer.from([0, 255, 1]), 2 ** 53 - 2, 'id-1'],
    ['id-2', null, Buffer.from([0, 255, 2]), 2 ** 53 - 3, 'id-2'],
  ];

  it('cells are what objects hold, prepared or not, alone and in a snapshot or a transaction', async () => {
    expect(await readCells(source, sql, ['id-1'])).toEqual(cells);
    expect(await inSnapshot(source, (manager) => readCells(manager, sql, ['id-1']))).toEqual(cells);
    const list = Array.from({ length: 12 }, (_, index) => `id-${index + 1}`);
    const places = list.map(() => '?').join(', ');
    const among = `SELECT id, text, sealed, n, id FROM note WHERE id IN (${places}) ORDER BY id`;
    expect(await readCells(source, among, list)).toEqual(cells);
    expect(await readCells(source, 'SELECT id, n FROM note WHERE n = ?', [2 ** 53 - 1])).toEqual([
      ['id-0', 2 ** 53 - 1],
    ]);
    const objects = await runStatement<Array<Record<string, unknown>>>(source, sql, ['id-1']);
    expect(objects.map(({ id, text, sealed, n }) => [id, text, sealed, n, id])).toEqual(cells);
    const seen = await inTransaction(source, async (manager) => {
      await manager.query("INSERT INTO note VALUES ('id-9', 'new', '', 1)");
      const own = await readCells(manager, 'SELECT text FROM note WHERE id = ?', ['id-9']);
      await manager.query("DELETE FROM note WHERE id = 'id-9'");
      return own;
    });
    expect(seen).toEqual([['new']]);
    expect(await readCells(source, 'SELECT text FROM note WHERE id = ?', ['id-9'])).toEqual([]);
  });

  it('the driver says why one failed', async () => {
    const failure = readCells(source, 'SELECT nothing FROM note', []);
    await expect(failure).rejects.toMatchObject({ driverError: { code: expect.stringMatching(/BAD_FIELD|SQLITE/) } });
  });
});
