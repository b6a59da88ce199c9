import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { faultOf } from '../../src/storage/health';
import { databases } from '../support/databases';
import { startMariaDb } from '../support/mariadb';

const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };

describe.each(databases)('how a database is, on $name', ({ create }) => {
  it('has no fault while it serves, and does not answer once it is closed', async () => {
    const database = await create();
    const source = await openDataSource(database.databaseUrl, options);
    expect(await faultOf(source)).toBeUndefined();
    await source.destroy();
    expect(await faultOf(source)).toBe('does not answer');
    await database.drop();
  });
});

if (process.env.REMIT_TEST_MARIADB_URL !== undefined) {
  // A server of its own: the setting is global.
  it('says that a MariaDB takes no writes', async () => {
    const server = await startMariaDb();
    let source: DataSource | undefined;
    try {
      source = await openDataSource(`${server?.url}mysql`, options);
      expect(await faultOf(source)).toBeUndefined();
      await source.query('SET GLOBAL read_only = 1');
      expect(await faultOf(source)).toBe('is read-only (read_only is ON)');
      await source.query('SET GLOBAL read_only = 0');
      expect(await faultOf(source)).toBeUndefined();
    } finally {
      await source?.destroy();
      await server?.stop();
    }
  });
}
