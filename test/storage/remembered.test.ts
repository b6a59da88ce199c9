import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { SigningKeys } from '../../src/erasure/records/signing-keys';
import { dialectOf } from '../../src/storage/dialect';
import { detectEngine } from '../../src/storage/engine-profiles';
import { Remembered, remembered } from '../../src/storage/remembered';
import { openTestApp } from '../support/app';
import { databases } from '../support/databases';
import { root } from '../support/root';

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
    const engines = new Remembered(detectEngine);
    if (!dialectOf(regions.home).embedded) await twice(regions.home, () => engines.get(regions.home));
    const { profile } = app.services;
    if (!dialectOf(regions.home).embedded) await twice(regions.home, () => profile(regions.home));
    await twice(regions.home, () => app.services.recorder.record('GRANT_GIVEN', { principal: 'test' }));
    await app.close();
    await database.drop();
  });
});

/** Kept promises that are no look-up's outcome: work under way, which whoever begins it catches. */
const workUnderWay = new Set([
  'jobs/scheduler.ts #loops',
  'audit/witness/anchors.ts #running',
  'audit/log/checkpoint-store.ts #writing',
  'audit/log/appender.ts #running',
  'audit/verification/log-verification.ts #signatures',
  'identity/issuer-keys.ts #pending',
  'gateway/deadline.ts deadline',
  'gateway/erasure-metrics.ts looking',
  'register/webhooks/webhook-sender.ts #sending',
  'storage/remembered.ts #made',
  'storage/transaction.ts turns',
]);

test('no source file remembers a promise by itself', () => {
  const sources = join(root, 'src');
  const kept: string[] = [];
  for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.includes('node_modules')) continue;
    const text = readFileSync(join(sources, file), 'utf8');
    const place = relative(sources, join(sources, file)).replaceAll('\\', '/');
    // A field, or a variable outside of any function or one that functions share, whose type holds a promise.
    const declared =
      /^ {0,2}(?:(?:private |static |readonly )*(#?\w+)|(?:let|const) (\w+))(?:\?|!)?(?:: | = new )(.*[^,])$/gm;
    for (const [, field, variable, type = ''] of text.matchAll(declared)) {
      const name = field ?? variable ?? '';
      const holds = /(?:Map|Set|LRUCache|Array)<.*Promise</.test(type) || /^Promise</.test(type);
      const isFunction = /=>/.test(type.replace(/Promise<.*$/, ''));
      if (holds && !isFunction) kept.push(`${place} ${name}`);
    }
  }
  expect(kept.filter((each) => !workUnderWay.has(each)).sort()).toEqual([]);
  // One that is gone is not on the list any more.
  expect([...workUnderWay].filter((each) => !kept.includes(each))).toEqual([]);
});
