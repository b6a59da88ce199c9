import { SigningKeys } from '../../src/erasure/records/signing-keys';
import { dialectOf } from '../../src/storage/dialect';
import { ENGINE_PROFILES } from '../../src/storage/engine-profiles';
import { Remembered, remembered } from '../../src/storage/remembered';
import { openTestApp } from '../support/app';
import { databases } from '../support/databases';

/** Fails once, as a connection does in a failover, and works from then on. */
function failingOnce<T>(work: () => Promise<T>): { make: () => Promise<T>; calls: () => number } {
  let calls = 0;
  const make = async () => {
    if (calls++ === 0) throw new Error('the connection was reset');
    return work();
  };
  return { make, calls: () => calls };
}

test('a failure is told to all who waited for it, and not to whoever asks next', async () => {
  const { make, calls } = failingOnce(async () => 'made');
  const get = remembered(make);
  const waited = await Promise.allSettled([get(), get(), get()]);
  expect(waited.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await Promise.all([get(), get()])).toEqual(['made', 'made']);
  expect(calls()).toBe(2);
});

test('what is forgotten is made anew once, whoever forgets it', async () => {
  let made = 0;
  const each = new Remembered(async (key: string) => `${key} ${++made}`);
  const first = each.get('a');
  expect([await first, await each.get('b')]).toEqual(['a 1', 'b 2']);
  each.forget('a', first);
  const second = each.get('a');
  each.forget('a', first);
  expect([await second, await each.get('a'), await each.get('b')]).toEqual(['a 3', 'a 3', 'b 2']);
});

describe.each(databases)('first looks that fail once, on $name', ({ create }) => {
  test('case first-round-hiccup: the engine, the certificates’ key, the ledger’s key and its logs', async () => {
    const database = await create();
    const app = await openTestApp(database);
    const { keysSource, keys, regions } = app.stores;
    const failOnce = (source: typeof keysSource) => {
      const query = source.query.bind(source);
      const { make } = failingOnce(async () => query);
      const failing = jest.spyOn(source, 'query').mockImplementation(async (...words) => (await make())(...words));
      return () => failing.mockRestore();
    };
    const twice = async (source: typeof keysSource, look: () => Promise<unknown>) => {
      const remedy = failOnce(source);
      await expect(look()).rejects.toThrow();
      await expect(look()).resolves.toBeDefined();
      remedy();
    };
    const signing = new SigningKeys(keysSource, keys);
    await twice(keysSource, () => signing.current());
    // The engine is known from every connection, so no look at it can fail later.
    const profile = dialectOf(regions.home).embedded ? ENGINE_PROFILES.sqlite : ENGINE_PROFILES.mariadb;
    expect(app.services.profile(regions.home)).toBe(profile);
    await twice(regions.home, () => app.services.recorder.record('GRANT_GIVEN', { principal: 'test' }));
    await app.close();
    await database.drop();
  });
});
