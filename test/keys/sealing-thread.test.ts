import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Identifier } from '../../src/identifiers/forms';
import { attributeKeyIndex, blindIndex } from '../../src/keys/blind-index';
import { unseal } from '../../src/keys/sealing';
import type { SealingThread as Thread } from '../../src/keys/sealing-thread';
import { root } from '../support/root';

// A thread runs what was built.
const { SealingThread } = require(join(root, 'dist/src/keys/sealing-thread.js')) as { SealingThread: typeof Thread };

describe('the sealing thread', () => {
  let thread: Thread;
  beforeEach(() => {
    thread = new SealingThread();
  });
  afterEach(() => thread.close());

  it('makes what this thread would, under each key, in its place', async () => {
    const keys = [randomBytes(32), randomBytes(32)] as const;
    const [own, other] = keys;
    const phone = { kind: 'phone', value: '030 1234567', countries: ['DE'] } as const;
    const batch = thread.batch();
    const [first, second] = keys.map((key, place) => batch.seal(key, { name: `Zoë ${place}` }, `person ${place}`));
    const filled = await batch.fill([
      'plain',
      first,
      second,
      batch.blindIndex(own, phone),
      batch.blindIndex(other, { kind: 'email', value: 'n/a' }),
      batch.attributeKeyIndex(other, 'person', 'plan'),
      null,
    ]);
    const [plain, one, two, ...indexes] = filled;
    expect(plain).toBe('plain');
    expect([one, two].every(Buffer.isBuffer)).toBe(true);
    expect(unseal(own, one as Buffer, 'person 0')).toEqual({ name: 'Zoë 0' });
    expect(unseal(other, two as Buffer, 'person 1')).toEqual({ name: 'Zoë 1' });
    expect(indexes).toEqual([blindIndex(own, phone), null, attributeKeyIndex(other, 'person', 'plan'), null]);
  });

  it('does batches in their order', async () => {
    const key = randomBytes(32);
    const filled = await Promise.all(
      [1, 2, 3].map((nth) => {
        const batch = thread.batch();
        return batch.fill([batch.blindIndex(key, { kind: 'externalId', value: String(nth) })]);
      }),
    );
    expect(filled).toEqual(['1', '2', '3'].map((value) => [blindIndex(key, { kind: 'externalId', value })]));
  });

  it('fails who waits where it fails, and starts anew', async () => {
    const key = randomBytes(32);
    const broken = thread.batch();
    const noText = JSON.parse('{ "kind": "externalId", "value": 5 }') as Identifier;
    await expect(broken.fill([broken.blindIndex(key, noText)])).rejects.toThrow('trim');
    const batch = thread.batch();
    const [sealed] = await batch.fill([batch.seal(key, 'whole', '')]);
    expect(unseal(key, sealed as Buffer, '')).toBe('whole');
  });

  it('takes no key that is too short or too long', () => {
    for (const length of [0, 31, 33])
      expect(() => thread.batch().seal(Buffer.alloc(length), {}, '')).toThrow(TypeError);
  });

  it('tells who waits that it was closed', async () => {
    const batch = thread.batch();
    const waiting = batch.fill([batch.seal(randomBytes(32), 'late', '')]);
    await thread.close();
    await expect(waiting).rejects.toThrow('ended');
  });
});
