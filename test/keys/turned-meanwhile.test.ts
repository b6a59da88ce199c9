import { KeyStore } from '../../src/keys/key-store';
import { DAY_MS } from '../../src/law/calendar';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

describe.each(databases)('an epoch that ends between a row and its root, on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let made: Map<string, Buffer>;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database, {}, {}, { epoch: DAY_MS });
    await app.stores.keys.createClientKey('acme');
    made = await app.stores.keys.createSubjectKeys('acme', ['ada', 'grace']);
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  /** A process that knows nothing yet; `meanwhile` is done after it has read its first row. */
  const reader = (meanwhile: () => Promise<unknown>) => {
    const { source, roots } = app.stores.keyStores.home;
    let looks = 0;
    const unwrap: typeof roots.unwrap = async (...given) => {
      if (looks++ === 0) await meanwhile();
      return roots.unwrap(...given);
    };
    const slow = Object.assign(Object.create(roots), {
      unwrap,
      ids: () => roots.ids(),
      wrap: roots.wrap.bind(roots),
    });
    return { keys: new KeyStore(source, slow, { epoch: DAY_MS }), looks: () => looks };
  };

  test('the row is read again, where the node was only wrapped anew', async () => {
    const { keys } = app.stores;
    const { keys: slow, looks } = reader(() => keys.epochs.turn());
    expect((await slow.subjectKeys('acme', ['ada'])).get('ada')).toEqual(made.get('ada'));
    const secret = reader(() => keys.epochs.turn());
    expect(await secret.keys.derivedKey('acme', 'cursor')).toEqual(await keys.derivedKey('acme', 'cursor'));
    expect([looks(), secret.looks()]).toEqual([2, 2]);
  });

  test('the row is read again, where somebody was destroyed and the node is another one', async () => {
    const { keys } = app.stores;
    const { keys: slow } = reader(async () => {
      await keys.destroySubjectKey('acme', 'grace');
      await keys.epochs.turn();
    });
    expect([...(await slow.subjectKeys('acme', ['ada', 'grace'])).keys()]).toEqual(['ada']);
    await keys.createSubjectKeys('acme', ['linus']);
    const secret = reader(async () => {
      await keys.destroySubjectKey('acme', 'linus');
      await keys.epochs.turn();
    });
    expect(await secret.keys.derivedKey('acme', 'cursor')).toEqual(await keys.derivedKey('acme', 'cursor'));
  });
});
