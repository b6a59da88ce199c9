import { v7 as uuid } from 'uuid';
import { tenantEntities } from '../../src/entities';
import { createErasureModule } from '../../src/erasure/module';
import { Jobs } from '../../src/jobs/jobs';
import { ENGINE_PROFILES, type EngineName } from '../../src/storage/engine-profiles';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { newClient, plantPeople } from './people';

const [embedded] = databases;
const filing = { principal: 'a', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
/** More than the product's own bound, which is 2,000. */
const ROWS = 2_300;
const bounds = { mysql: 2_000, mariadb: 2_000, galera: 1_000, tidb: 2_000, vitess: 1_000, sqlite: 2_000 } as const;

describe('how many rows one transaction of an erasure changes', () => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    if (!embedded) throw new Error('there is no test database');
    database = await embedded.create();
    app = await openTestApp(database);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const plant = async (slug: string) => {
    const client = await newClient(app.services, slug);
    const [person] = await plantPeople(app.stores, client, [1]);
    const customer = person?.id ?? '';
    const rows = Array.from({ length: ROWS }, () => `('${client}', '${customer}', '${uuid()}')`);
    const sql = `INSERT INTO purchase_order (client_id, customer_id, id) VALUES ${rows.join(', ')}`;
    await app.stores.regions.home.query(sql);
    return { client, customer };
  };
  const erased = async (client: string) => {
    const sql = 'SELECT SUM(row_count) AS n FROM erasure_step WHERE client_id = ?';
    const [row] = await app.stores.regions.home.query<Array<{ n: number }>>(sql, [client]);
    return Number(row?.n);
  };
  /** Works until the first rows are gone, on an engine of this name: plans, then erases once, then is told to stop. */
  const eraseOnce = async (engine: EngineName) => {
    const { regions, keys, keyStores } = app.stores;
    const { parties, webhooks } = app.services;
    const jobs = new Jobs({ now: () => Date.now() + 1_000 });
    const { runner } = createErasureModule({
      ...{ regions, keys, keyStores, parties, webhooks, jobs, entities: tenantEntities },
      profile: () => ENGINE_PROFILES[engine],
      ...{ purgers: [], terminationExports: undefined },
    });
    const [lease] = await jobs.claim(regions.home, 1);
    if (!lease) throw new Error('nothing is due');
    let looked = 0;
    const stopping = {
      get aborted() {
        return ++looked > 2;
      },
    } as AbortSignal;
    expect(await runner.carryOut(lease, stopping)).toBe(true);
    await regions.home.query('DELETE FROM job');
  };

  test.each(Object.entries(bounds))('%s: %d, of a person and of a client', async (engine, bound) => {
    const { client, customer } = await plant(`person-${engine}`);
    await app.services.erasure.erasures.request(client, customer, filing);
    await eraseOnce(engine as EngineName);
    expect(await erased(client)).toBe(bound);

    const { client: ending } = await plant(`client-${engine}`);
    await app.services.erasure.terminations.terminate({ clientId: ending, effectiveOn: new Date() }, filing);
    await eraseOnce(engine as EngineName);
    expect(await erased(ending)).toBe(bound);
  });
});
