import type { EntityManager } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { inTransaction } from '../../src/storage/transaction';
import { acrossClients, joined, name, nothing, own, ownOf, sql, tenantSql } from '../../src/tenancy/tenant-sql';
import { databases } from '../support/databases';

describe.each(databases)('SQL on the rows of one client, on $name', ({ create }) => {
  let close: () => Promise<void>;
  let source: Awaited<ReturnType<typeof openDataSource>>;

  beforeAll(async () => {
    const database = await create();
    source = await openDataSource(database.databaseUrl, { variable: 'DATABASE_URL', entities: [], migrations: [] });
    close = async () => {
      await source.destroy();
      await database.drop();
    };
    const key = 'client_id varchar(36) NOT NULL, id varchar(36) NOT NULL';
    await source.query(`CREATE TABLE task (${key}, state varchar(36), PRIMARY KEY (client_id, id))`);
    await source.query(`CREATE TABLE note (${key}, task_id varchar(36), PRIMARY KEY (client_id, id))`);
    for (const client of ['a', 'b']) {
      await inTransaction(source, async (manager) => {
        const rows = tenantSql(manager, client);
        await rows.insert('task', [
          { id: '1', state: 'OPEN' },
          { id: '2', state: 'DONE' },
          { id: '3', state: null },
        ]);
        await rows.insert('note', [{ id: 'n', task_id: '2' }]);
        await rows.insert('task', []);
      });
    }
  });

  afterAll(() => close());

  const ids = (rows: ReadonlyArray<{ id: string }>) => rows.map(({ id }) => id);

  test('each sees and changes its own rows alone', async () => {
    const changed = await inTransaction(
      source,
      (manager) =>
        tenantSql(manager, 'a').change`UPDATE task SET state = ${'LATE'} WHERE ${own} AND id IN (${['1', '3']})`,
    );
    expect(changed).toBe(2);
    const states = (client: string) =>
      tenantSql(source, client).select<{ state: string | null }>`SELECT state FROM task WHERE ${own} ORDER BY id`;
    expect((await states('a')).map(({ state }) => state)).toEqual(['LATE', 'DONE', 'LATE']);
    expect((await states('b')).map(({ state }) => state)).toEqual(['OPEN', 'DONE', null]);
    const gone = await inTransaction(
      source,
      (manager) => tenantSql(manager, 'a').change`DELETE FROM task WHERE ${own} AND state = ${'LATE'}`,
    );
    expect(gone).toBe(2);
    const left = await acrossClients(source).select<{ id: string }>`SELECT id FROM task ORDER BY client_id, id`;
    expect(ids(left)).toEqual(['2', '1', '2', '3']);
  });

  test('parts are put together, with their values in order', async () => {
    const rows = tenantSql(source, 'b');
    const states = joined([sql`t.state = ${'OPEN'}`, sql`t.state IS NULL`], ' OR ');
    const found = await rows.select<{ id: string }>`SELECT t.id FROM ${name('task')} t
      WHERE ${ownOf('t')} AND (${states}) AND t.id > ${'1'}${nothing} ORDER BY t.id`;
    expect(ids(found)).toEqual(['3']);
    const noted = await rows.select<{
      id: string;
    }>`SELECT t.id FROM task t LEFT JOIN note n ON n.client_id = t.client_id
      AND n.task_id = t.id WHERE ${ownOf('t')} AND n.id IS NOT NULL
      AND EXISTS (SELECT 1 FROM note o WHERE o.client_id = t.client_id AND o.task_id = t.id)`;
    expect(ids(noted)).toEqual(['2']);
  });

  test('rows that a transaction reads to change them are locked where there are several writers', async () => {
    const found = await inTransaction(source, (manager) => {
      const rows = tenantSql(manager, 'b');
      return rows.select<{ id: string }>`SELECT id FROM task WHERE ${own} ORDER BY id${rows.forUpdate}`;
    });
    expect(ids(found)).toEqual(['1', '2', '3']);
  });
});

describe('a statement is refused', () => {
  const never = async (): Promise<never> => {
    throw new Error('it reached the database');
  };
  const manager = { dataSource: { options: { type: 'mysql' } }, query: never, queryRunner: { query: never } };
  const rows = tenantSql(manager as unknown as EntityManager, 'a');

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['without the client', () => rows.select`SELECT id FROM task WHERE id = ${'1'}`, /a table needs the client/],
    [
      'with another client',
      () => rows.select`SELECT id FROM task WHERE client_id = ${'b'}`,
      /a table needs the client/,
    ],
    [
      'of a table of all clients beside its own',
      () => rows.select`SELECT 1 FROM task JOIN note ON 1 = 1 WHERE ${own}`,
      /a table needs the client/,
    ],
    ['by a comma', () => rows.select`SELECT 1 FROM task t, note n WHERE ${ownOf('t')}`, /join tables by JOIN/],
    [
      'that reads more within parentheses',
      () => rows.select`SELECT 1 FROM task WHERE ${own} AND id IN (SELECT task_id FROM note)`,
      /needs the client.*SELECT task_id/,
    ],
    [
      'in one part of a UNION',
      () => rows.select`SELECT 1 FROM task WHERE ${own} UNION ALL SELECT 1 FROM note`,
      /a table needs the client/,
    ],
    ['with OR beside the client', () => rows.change`DELETE FROM task WHERE ${own} OR id = ${'1'}`, /OR in parentheses/],
    [
      'that says the client in quotes alone',
      () => rows.select`SELECT id FROM task WHERE state = 'client_id = :client'`,
      /a table needs the client/,
    ],
    [
      'that says the client in a comment alone',
      () => rows.select`SELECT id FROM task WHERE id > '' -- ${own}`,
      /leave comments out/,
    ],
    [
      'that says the client in a comment beside a name',
      () => rows.select`SELECT id FROM task /* ${own} */ WHERE id > ''`,
      /leave comments out/,
    ],
    [
      'with a quote that a backslash hides',
      () => rows.select`SELECT id FROM task WHERE state = '\\' AND ${own}'`,
      /leave backslashes out/,
    ],
    [
      'of a table in double quotes',
      () => rows.select`SELECT id FROM "note" WHERE id IN (SELECT id FROM task WHERE ${own})`,
      /names by `/,
    ],
    [
      'of a table in parentheses',
      () => rows.select`SELECT 1 FROM (note) WHERE id IN (SELECT id FROM task WHERE ${own})`,
      /name tables without parentheses/,
    ],
    [
      'of a name that follows at once',
      () => rows.select`SELECT 1 FROM${name('note')} WHERE id IN (SELECT id FROM task WHERE ${own})`,
      /a table needs the client/,
    ],
    [
      'by another word for a join',
      () => rows.select`SELECT 1 FROM task t STRAIGHT_JOIN note n WHERE ${ownOf('t')}`,
      /join tables by JOIN/,
    ],
    [
      'by a comma after a join',
      () => rows.select`SELECT 1 FROM task t JOIN note n ON n.client_id = t.client_id, note o WHERE ${ownOf('t')}`,
      /join tables by JOIN/,
    ],
    [
      'that sets the client in place of asking for it',
      () => rows.change`UPDATE task SET ${own} WHERE id = ${'1'}`,
      /a table needs the client/,
    ],
    [
      'that selects the client in place of asking for it',
      () => rows.select`SELECT ${own} FROM task WHERE id = ${'1'}`,
      /a table needs the client/,
    ],
    ['of all clients but one', () => rows.select`SELECT id FROM task WHERE NOT ${own}`, /a plain condition/],
    ['of no table of the client', () => rows.select`SELECT 1`, /a statement needs its client/],
    ['that changes where it should read', () => rows.select`DELETE FROM task WHERE ${own}`, /select takes SELECT/],
    ['that reads where it should change', () => rows.change`SELECT 1 FROM task WHERE ${own}`, /select takes SELECT/],
    [
      'with an undefined value',
      () => rows.select`SELECT 1 FROM task WHERE ${own} AND id = ${undefined as never}`,
      /undefined/,
    ],
    ['with an empty list', () => rows.select`SELECT 1 FROM task WHERE ${own} AND id IN (${[]})`, /must not be empty/],
  ])('%s', async (_, statement, why) => {
    await expect((async () => statement())()).rejects.toThrow(why);
  });

  test('for no client, and with a name that is none', () => {
    const source = manager as unknown as EntityManager;
    expect(() => tenantSql(source, '')).toThrow(/needs the client/);
    expect(() => name('task; DROP TABLE task')).toThrow(/not the name/);
    expect(() => acrossClients(source).select`SELECT 1 FROM task WHERE ${own}`).toThrow(/no client of its own/);
  });
});
