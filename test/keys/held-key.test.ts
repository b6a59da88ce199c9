import { randomBytes } from 'node:crypto';
import { HeldKey } from '../../src/keys/held-key';
import { KEY_CACHE_TTL_MS, KeyCache } from '../../src/keys/key-cache';
import { OpenedMemory, OpenedRow } from '../../src/keys/opened-rows';
import { seal } from '../../src/keys/sealing';

const selection = {};
const remember = (key: HeldKey, row: string, sealed: Buffer): OpenedRow => {
  const opened = new OpenedRow([row, sealed], [key.open(sealed, 'here')]);
  key.remember(selection, row, opened);
  return opened;
};

describe('what is remembered of rows', () => {
  test('is bounded: the oldest is forgotten first', () => {
    const bytes = randomBytes(32);
    const key = new HeldKey(bytes, 0, new OpenedMemory(20_000));
    for (let row = 0; row < 40; row++) {
      remember(key, String(row), seal(bytes, { row, text: 'x'.repeat(100) }, 'here'));
    }
    const known = Array.from({ length: 40 }, (_, row) => key.recall(selection, String(row)) !== undefined);
    const first = known.indexOf(true);
    expect(first).toBeGreaterThan(10);
    expect(first).toBeLessThan(39);
    expect(known.slice(first)).not.toContain(false);
  });

  test('counts texts of two bytes a character, and texts that are written later', () => {
    const bytes = randomBytes(32);
    const key = new HeldKey(bytes, 0, new OpenedMemory(200_000));
    const text = `${'x'.repeat(4_000)}–`;
    for (let row = 0; row < 20; row++) remember(key, String(row), seal(bytes, { row, text }, 'here')).keep({}, text);
    const known = Array.from({ length: 20 }, (_, row) => key.recall(selection, String(row))).filter(Boolean);
    // Of each: its bytes, its content as JSON and as a value, and what was written.
    expect(known.length * (4_000 + 8_000 + 8_000 + 8_000)).toBeLessThan(200_000);
    expect(known.length).toBeGreaterThan(2);
  });

  test('is of the same row in every byte', () => {
    const bytes = randomBytes(32);
    const sealed = seal(bytes, 'text', 'here');
    const row = remember(new HeldKey(bytes, 0, new OpenedMemory(20_000)), 'a', sealed);
    expect(row.is(['a', Buffer.from(sealed)])).toBe(true);
    expect(row.is(['b', sealed])).toBe(false);
    expect(row.is(['a'])).toBe(false);
    expect(row.is(['a', sealed, null])).toBe(false);
    expect(row.is(['a', null])).toBe(false);
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(row.is(['a', altered])).toBe(false);
    }
  });

  test('goes with its key, and makes room for others', () => {
    const memory = new OpenedMemory(10_000);
    for (let person = 0; person < 100; person++) {
      const bytes = randomBytes(32);
      const key = new HeldKey(bytes, 0, memory);
      const sealed = seal(bytes, 'x'.repeat(500), 'here');
      const shape = {};
      let last: OpenedRow | undefined;
      for (const row of ['a', 'b']) {
        remember(key, row, sealed);
        last = remember(key, row, sealed);
        last.keep(shape, 'text');
      }
      for (const row of ['a', 'b']) expect(key.recall(selection, row)?.textOf(shape)).toBe('text');
      key.forget();
      for (const row of ['a', 'b']) expect(key.recall(selection, row)).toBeUndefined();
      // Nothing more is kept with what was forgotten.
      last?.keep({}, 'x'.repeat(20_000));
      expect(key.key).toEqual(Buffer.alloc(32));
    }
  });

  test('a row keeps few texts', () => {
    const bytes = randomBytes(32);
    const row = remember(new HeldKey(bytes, 0, new OpenedMemory(100_000)), 'a', seal(bytes, 'text', 'here'));
    const shapes = Array.from({ length: 20 }, () => ({}));
    for (const shape of shapes) row.keep(shape, 'text');
    expect(shapes.filter((shape) => row.textOf(shape) === 'text')).toHaveLength(8);
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
