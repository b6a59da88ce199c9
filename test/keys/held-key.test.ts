import { randomBytes } from 'node:crypto';
import { HeldKey, OpenedMemory } from '../../src/keys/held-key';
import { KEY_CACHE_TTL_MS, KeyCache } from '../../src/keys/key-cache';
import { seal } from '../../src/keys/sealing';

const place = {};

describe('what is remembered of sealed bytes', () => {
  test('is bounded: the oldest is forgotten first', () => {
    const bytes = randomBytes(32);
    const key = new HeldKey(bytes, 0, new OpenedMemory(10_000));
    const sealed = Array.from({ length: 40 }, (_, row) => seal(bytes, { row, text: 'x'.repeat(100) }, 'here'));
    for (const [row, each] of sealed.entries()) key.open(place, String(row), each, 'here');
    const known = sealed.map((each, row) => key.recall(place, String(row), each) !== undefined);
    const first = known.indexOf(true);
    expect(first).toBeGreaterThan(10);
    expect(first).toBeLessThan(39);
    expect(known.slice(first)).not.toContain(false);
  });

  test('counts texts of two bytes a character', () => {
    const bytes = randomBytes(32);
    const key = new HeldKey(bytes, 0, new OpenedMemory(100_000));
    const sealed = Array.from({ length: 20 }, (_, row) => seal(bytes, { row, text: `${'x'.repeat(4_000)}–` }, 'here'));
    for (const [row, each] of sealed.entries()) key.open(place, String(row), each, 'here').textOf('text');
    const known = sealed.filter((each, row) => key.recall(place, String(row), each));
    // Of each: its bytes, its content, and that as text.
    expect(known.length * (4_000 + 8_000 + 8_000)).toBeLessThan(100_000);
    expect(known.length).toBeGreaterThan(2);
  });

  test('goes with its key, and makes room for others', () => {
    const memory = new OpenedMemory(7_000);
    for (let person = 0; person < 100; person++) {
      const bytes = randomBytes(32);
      const key = new HeldKey(bytes, 0, memory);
      const sealed = seal(bytes, 'x'.repeat(500), 'here');
      for (const row of ['a', 'b']) {
        key.open(place, row, sealed, 'here');
        key.open(place, row, sealed, 'here');
      }
      for (const row of ['a', 'b']) expect(key.recall(place, row, sealed)?.value).toBe('x'.repeat(500));
      key.forget();
      for (const row of ['a', 'b']) expect(key.recall(place, row, sealed)).toBeUndefined();
      expect(key.key).toEqual(Buffer.alloc(32));
    }
  });
});

describe('the cache of keys', () => {
  test('holds the newest, each for its time', () => {
    let now = 0;
    const cache = new KeyCache(3, () => now);
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) {
      now = index * 1_000;
      cache.set(randomBytes(32), index < 2 ? 'one' : 'two', name);
    }
    const held = () => [cache.get('one', 'a'), cache.get('one', 'b'), cache.get('two', 'c'), cache.get('two', 'd')];
    expect(held().map(Boolean)).toEqual([false, true, true, true]);
    now = 1_000 + KEY_CACHE_TTL_MS;
    expect(held().map(Boolean)).toEqual([false, false, true, true]);
    cache.forgetClient('two');
    expect(held().map(Boolean)).toEqual([false, false, false, false]);
    cache.close();
  });
});
