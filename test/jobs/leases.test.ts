import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Jobs } from '../../src/jobs/jobs';
import type { Lease } from '../../src/jobs/leases';
import { inTransaction } from '../../src/storage/transaction';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const LEASE_MS = 1_000;

describe.each(databases)('jobs and their leases on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let source: DataSource;
  let now: number;
  const client = uuid();
  const jobs = new Jobs({ leaseMs: LEASE_MS, now: () => now });

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    source = app.stores.regions.home;
  });
  beforeEach(async () => {
    now = 10_000;
    await source.query('DELETE FROM job');
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const schedule = async (runAt = now) => {
    const id = uuid();
    await inTransaction(source, (manager) => jobs.schedule(manager, client, [id], runAt));
    return id;
  };
  const take = async (): Promise<Lease> => {
    const [lease] = await jobs.claim(source, 10);
    if (!lease) throw new Error('nothing is due');
    return lease;
  };

  test('of two processes one gets a job, and the other once its lease has ended', async () => {
    const id = await schedule();
    expect(await schedule(now + 1)).not.toBe(id);
    const other = new Jobs({ leaseMs: LEASE_MS, now: () => now });
    const taken = (await Promise.all([jobs.claim(source, 10), other.claim(source, 10)])).flat();
    expect(taken).toEqual([expect.objectContaining({ client, id, attempts: 1 })]);
    now += LEASE_MS - 1;
    expect((await other.claim(source, 10)).map((lease) => lease.id)).not.toContain(id);
    now += 2;
    expect((await other.claim(source, 10)).find((lease) => lease.id === id)).toMatchObject({ attempts: 2 });
  });

  test('who has lost the lease changes nothing, and who renews it keeps it', async () => {
    await schedule();
    const [late, renewed] = [await take(), () => inTransaction(source, (manager) => late.fence(manager))];
    now += LEASE_MS - 1;
    await renewed();
    now += LEASE_MS - 1;
    expect(await jobs.claim(source, 10)).toEqual([]);
    now += 2;
    await take();
    const work = inTransaction(source, async (manager) => {
      await manager.query('UPDATE job SET attempts = 77');
      await late.fence(manager);
    });
    await expect(work).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(await source.query('SELECT attempts FROM job WHERE attempts = 77')).toEqual([]);
  });

  test('a job that is given back is taken again at once, and no attempt is counted', async () => {
    await schedule();
    const lease = await take();
    now += 5;
    await inTransaction(source, (manager) => jobs.release(manager, lease));
    expect(await take()).toMatchObject({ id: lease.id, attempts: 1 });
    await expect(inTransaction(source, (manager) => jobs.release(manager, lease))).rejects.toMatchObject({
      code: 'LEASE_LOST',
    });
  });

  test('a parked job waits for its time, or for whoever schedules it', async () => {
    await schedule();
    const lease = await take();
    await inTransaction(source, (manager) => jobs.park(manager, lease, null, 'FAILED'));
    now += 365 * 86_400_000;
    expect(await jobs.claim(source, 10)).toEqual([]);
    await inTransaction(source, (manager) => jobs.schedule(manager, client, [lease.id], now));
    expect(await take()).toMatchObject({ id: lease.id, attempts: 1 });
  });
});
