import { setTimeout } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { Read } from '../../src/connections/lane';
import { StorePool } from '../../src/connections/pool';
import { withMoreTime } from '../../src/connections/time';
import { openDataSource } from '../../src/storage/data-source';
import { failureOf } from '../../src/storage/failures';
import { poolCounts } from '../../src/storage/pool-use';
import { StoreSessions } from '../../src/storage/session';
import { type Cells, readCells } from '../../src/storage/statements';
import { parseStoreUrl } from '../../src/storage/store-url';
import { databases, type TestDatabase } from '../support/databases';
import { TcpProxy } from '../support/tcp-proxy';

const servers = databases.filter(({ name }) => name !== 'SQLite');
const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };

describe.each(servers)('reads that share connections on $name', ({ create }) => {
  let database: TestDatabase;
  let source: DataSource;
  beforeAll(async () => {
    database = await create();
    source = await openDataSource(`${database.databaseUrl}?pool-size=4`, options);
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));
  const echo = (text: string) => readCells(source, 'SELECT ? AS text', [text]);

  it('every type of column is read as the driver reads it', async () => {
    const types = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'].flatMap((type) => [type, `${type} unsigned`]);
    const texts = ['varchar(60)', 'char(20)', 'text', 'mediumtext', 'blob', 'mediumblob', 'varbinary(99)', 'binary(4)'];
    const all = [...types, 'float', 'double', 'decimal(30,4)', 'year', ...texts, 'char(3) CHARACTER SET ascii'];
    const columns = all.map((type, index) => `c${index} ${type}`);
    await source.query(`CREATE TABLE kinds (id int PRIMARY KEY, ${columns.join(', ')}, at datetime(3))`);
    const edges = types.map((type) => {
      const bits =
        { tinyint: 8n, smallint: 16n, mediumint: 24n, int: 32n, bigint: 64n }[type.split(' ')[0] ?? ''] ?? 8n;
      return type.endsWith('unsigned')
        ? ['0', String(2n ** bits - 1n), '1', '200']
        : [String(-(2n ** (bits - 1n))), String(2n ** (bits - 1n) - 1n), '-1', '100'];
    });
    const others = [
      ...[
        ['0.5', '-2.25', '1e10', '3'],
        ['0.1', '-1e300', '1e-300', '7'],
        ['0.1', '-123456789012.3456', '5', '0'],
      ],
      ['1999', '2028', '2000', '1970'],
      ...texts.map((type) => {
        if (type.endsWith('(4)')) return ['abcd', Buffer.from([0, 255, 10, 13]), '0000', '    '];
        const long = /^(medium)/.test(type)
          ? 'ß'.repeat(70_000)
          : /^(text|blob)/.test(type)
            ? 'x'.repeat(300)
            : 'short';
        return ['', 'zwölf — \u{1F600}', long, '\0"\\\n'];
      }),
      ['abc', '', 'x', 'yz'],
    ];
    const values = [...edges, ...others];
    for (const row of [0, 1, 2, 3]) {
      // One value in three is missing, another one in each row.
      const own = values.map((column, index) => ((index + row) % 3 === 0 ? null : column[row]));
      const places = own.map(() => '?').join(', ');
      await source.query(`INSERT INTO kinds VALUES (${row}, ${places}, NULL)`, own);
      await source.query(`INSERT INTO kinds VALUES (${row + 10}, ${places}, NULL)`, [
        ...values.map((column) => column[row]),
      ]);
    }
    const sql = `SELECT id, ${all.map((_, index) => `c${index}`).join(', ')}, NULL, SUM(c3), COUNT(*) FROM kinds
      WHERE id >= ? GROUP BY id`;
    const byDriver = await withMoreTime('background', () => readCells(source, sql, ['0']));
    expect(byDriver).toHaveLength(8);
    const together = await Promise.all(numbers(3).map(() => readCells(source, sql, ['0'])));
    for (const rows of together) expect(rows).toEqual(byDriver);
    // Of such columns the driver alone knows.
    expect(await readCells(source, 'SELECT at, id FROM kinds WHERE id = ?', ['0'])).toEqual([[null, 0]]);
    expect(await readCells(source, 'SELECT id FROM kinds WHERE id > ?', ['99'])).toEqual([]);
  });

  it('values of parameters arrive as they are', async () => {
    for (const value of ['', 'ö\0\u{1F600}', 'x'.repeat(251), 'ß'.repeat(40_000), null]) {
      expect(await readCells(source, 'SELECT ? AS a, ? AS b', [value, 'b'])).toEqual([[value, 'b']]);
    }
    const bytes = Buffer.from([0, 255, 1, 0]);
    const nine = [null, 'a', null, 'b', 'c', null, bytes];
    expect(await readCells(source, 'SELECT ?, ?, ?, ?, ?, ?, HEX(?)', nine)).toEqual([
      [...nine.slice(0, -1), bytes.toString('hex').toUpperCase()],
    ]);
  });

  it('many at once take few connections, each gets its own answer, and none is kept', async () => {
    await echo('known');
    const reads = numbers(300).map(echo);
    await new Promise((resolve) => setImmediate(resolve));
    expect(poolCounts(source)?.used).toBeLessThanOrEqual(2);
    expect(await Promise.all(reads)).toEqual(numbers(300).map((text) => [[text]]));
    expect(poolCounts(source)).toMatchObject({ used: 0, waiting: 0 });
  });

  it('the fault of one is no fault of others', async () => {
    const wrong = () =>
      readCells(
        source,
        'SELECT CAST(? AS int) FROM kinds k, (SELECT 1 UNION SELECT 2) x WHERE 1 = (SELECT 1 UNION SELECT 2)',
        ['1'],
      );
    const settled = await Promise.allSettled([echo('a'), wrong(), readCells(source, 'SELECT nothing', []), echo('b')]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(settled[1]).toMatchObject({ reason: { driverError: { code: 'ER_SUBQUERY_NO_1_ROW' } } });
    expect(settled[2]).toMatchObject({ reason: { driverError: { code: 'ER_BAD_FIELD_ERROR' } } });
    const again = await Promise.allSettled([wrong(), echo('c'), wrong()]);
    expect(again.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  });

  it('one that takes long holds nobody up', async () => {
    // Of two connections one is for reads.
    const small = await openDataSource(`${database.databaseUrl}?pool-size=2`, options);
    const slow = 'SELECT SLEEP(?)';
    const quick = (text: string) => readCells(small, 'SELECT ? AS text', [text]);
    await readCells(small, slow, ['0']);
    await quick('known');
    const done: string[] = [];
    const note = (name: string) => (rows: readonly Cells[]) => done.push(`${name}: ${rows[0]?.[0]}`);
    await Promise.all([
      readCells(small, slow, ['2']).then(note('slow')),
      ...numbers(20).map((text) => quick(text).then(note('quick'))),
    ]);
    expect(done).toHaveLength(21);
    expect(done.at(-1)).toBe('slow: 0');
    await small.destroy();
  });

  it('however many there are, others get a connection too', async () => {
    const small = await openDataSource(`${database.databaseUrl}?pool-size=1&pool-wait=2`, options);
    let isOver = false;
    const stream = numbers(30).map(async (text) => {
      while (!isOver) await readCells(small, 'SELECT SLEEP(0.002), ? AS text', [text]);
    });
    for (let times = 0; times < 5; times++) expect(await small.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
    isOver = true;
    await Promise.all(stream);
    await small.destroy();
  });

  it('who waits for a connection, or behind others on one, waits as long as the store says', async () => {
    const small = await openDataSource(`${database.databaseUrl}?pool-size=2&pool-wait=1`, options);
    await readCells(small, 'SELECT ? AS text', ['known']);
    const slow = numbers(2).map(() => small.query('SELECT SLEEP(4) AS slept'));
    while ((poolCounts(small)?.used ?? 0) < 2) await setTimeout(20);
    const reads = await Promise.allSettled(numbers(3).map((text) => readCells(small, 'SELECT ? AS text', [text])));
    for (const read of reads) expect(read.status === 'rejected' && failureOf(read.reason)).toBe('UNAVAILABLE');
    expect(await Promise.race([Promise.all(slow), 'still under way'])).toBe('still under way');
    await Promise.all(slow);
    await small.destroy();
  });

  it('what is too long for a packet fails by itself', async () => {
    const [long, ...others] = await Promise.allSettled(['x'.repeat(16_777_300), ...numbers(3)].map(echo));
    expect(others).toEqual(numbers(3).map((text) => ({ status: 'fulfilled', value: [[text]] })));
    // Whether it arrives is the server's max_allowed_packet's to say.
    expect(['fulfilled', 'rejected']).toContain(long?.status);
  });

  it('a connection that is lost under way is replaced, for each read', async () => {
    await Promise.all([readCells(source, 'SELECT SLEEP(?)', ['0']), echo('known')]);
    const slow = readCells(source, "SELECT SLEEP(?), 'slow'", ['0.5']);
    const others = numbers(5).map(echo);
    const [found] = await withMoreTime('background', () =>
      readCells(
        source,
        "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE ? AND INFO NOT LIKE '%PROCESS%'",
        ["%'slow'%"],
      ),
    );
    if (found) await source.query(`KILL ${found[0]}`);
    expect(await slow).toEqual([[0, 'slow']]);
    expect(await Promise.all(others)).toEqual(numbers(5).map((text) => [[text]]));
  });

  it('silence ends after the limit, and who only waited behind it is answered', async () => {
    const proxy = await TcpProxy.to(database.databaseUrl);
    const address = parseStoreUrl(`${proxy.through(database.databaseUrl)}?statement-timeout=0.3`, 'DATABASE_URL');
    if (address.kind !== 'mysql') throw new Error('a server');
    const { user, password, database: name } = address;
    const pool = new StorePool(address, new StoreSessions(), { user, password, database: name });
    const read = (sql: string) =>
      new Promise((resolve, reject) =>
        pool.read({ sql, parameters: [], resolve, reject } satisfies Omit<Read, 'until'>),
      );
    expect(await read('SELECT 1')).toEqual([[1]]);
    const settled = Promise.allSettled([read('SELECT 1'), read('SELECT 1')]);
    proxy.silence();
    const [first, second] = await settled;
    expect(first?.status === 'rejected' && failureOf(first.reason)).toBe('UNAVAILABLE');
    expect(second).toMatchObject({ status: 'fulfilled' });
    await new Promise<void>((resolve) => pool.end(resolve));
    await proxy.stop();
  });
});
