import type { GovernedResult } from '../../src/governance/govern';
import { type Asker, claimsOf, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { looked } from './looks';
import { populate } from './people';
import { approvalIn, approve, askers, decide, request, sccToTheUs } from './transfer-app';

const { admin, officer } = askers;

describe.each(databases)('transferChanged on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let replica: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    replica = await app.replica();
    await populate(app, 'acme', { DE: 1 });
    await populate(app, 'globex', { DE: 1 });
  });
  afterAll(async () => {
    expect([...app.internalErrors, ...replica.internalErrors]).toEqual([]);
    await replica.close();
    await app.close();
    await database.drop();
  });

  async function subscribe(asker: Asker): Promise<AsyncGenerator<GovernedResult> | GovernedResult> {
    const current = () => replica.services.accessService.contextFor(claimsOf(asker), undefined);
    let context = await current();
    return replica.contracts.api.subscribe({
      document: 'subscription { transferChanged { id state mechanism history { action principal reason } } }',
      access: async () => {
        context = await current();
        return context.access;
      },
      contextOf: () => context,
    });
  }

  test('tells each change that another replica made, and no other client’s', async () => {
    await approve(app, sccToTheUs);
    const log = recordSql(replica.stores.regions.home);
    const events = await subscribe(officer);
    if (!('next' in events)) throw new Error(JSON.stringify(events));
    // What was there when it began is no news.
    const first = events.next();
    await looked(log);
    approvalIn(await request(app, { ...admin, client: 'globex' }, sccToTheUs));
    const { id } = approvalIn(await request(app, admin, sccToTheUs));
    expect((await first).value).toMatchObject({ data: { transferChanged: { id, state: 'REQUESTED' } } });
    const second = events.next();
    approvalIn(await decide(app, officer, 'rejectTransfer', id, 'not needed'));
    expect((await second).value).toMatchObject({
      data: {
        transferChanged: {
          id,
          state: 'REJECTED',
          mechanism: 'SCC',
          history: [{ action: 'REQUESTED' }, { action: 'REJECTED', principal: 'officer@acme', reason: 'not needed' }],
        },
      },
    });
    await events.return(undefined);
  });

  test('tells what time did', async () => {
    const ending = { ...sccToTheUs, validUntil: new Date(Date.now() + 3_000).toISOString() };
    const id = await approve(app, ending);
    const events = await subscribe(officer);
    if (!('next' in events)) throw new Error(JSON.stringify(events));
    expect((await events.next()).value).toMatchObject({ data: { transferChanged: { id, state: 'EXPIRED' } } });
    await events.return(undefined);
  }, 30_000);

  test('is for officers', async () => {
    for (const role of ['CLIENT_AGENT', 'CLIENT_APP'] as const) {
      const refused = await subscribe({ role, client: 'acme' });
      expect(refused).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    }
  });
});
