import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { freshIv } from '../../src/keys/envelope';
import { UnsealError } from '../../src/keys/errors';
import { opensslDecrypt, opensslEncrypt } from '../../src/keys/openssl-ciphers';
import { seal, sealWith, unseal } from '../../src/keys/sealing';
import { ShortBoxes } from '../../src/keys/short-boxes';
import { loadSodium, type Sodium } from '../../src/keys/sodium';

const key = randomBytes(32);

describe('envelopes of ChaCha20-Poly1305', () => {
  let sodium: Sodium;
  let boxes: ShortBoxes;
  beforeAll(async () => {
    sodium = await loadSodium();
    boxes = new ShortBoxes(sodium);
  });

  const sealed = (text: string, aad: string) => boxes.seal(2, key, freshIv(), text, aad) as Buffer;

  it("are OpenSSL's, both ways", () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), fc.string({ maxLength: 50 }), (text, aad) => {
        expect(opensslDecrypt(2, key, sealed(text, aad), aad).toString()).toBe(text);
        expect(boxes.open(key, opensslEncrypt(2, key, Buffer.from(text), aad), aad)).toBe(text);
      }),
    );
  });

  it('are refused with any other bit, length, key or place', () => {
    const box = sealed('{"email":"canary@example.org"}', 'client|subject|customer');
    for (let bit = 8; bit < box.length * 8; bit++) {
      const altered = Buffer.from(box);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => boxes.open(key, altered, 'client|subject|customer')).toThrow(UnsealError);
    }
    for (let length = 0; length < box.length; length++) {
      expect(() => boxes.open(key, box.subarray(0, length), 'client|subject|customer')).toThrow(UnsealError);
    }
    expect(() => boxes.open(randomBytes(32), box, 'client|subject|customer')).toThrow(UnsealError);
    expect(() => boxes.open(key, box, 'client|subject|customes')).toThrow(UnsealError);
    expect(boxes.open(key, box, 'client|subject|customer')).toBe('{"email":"canary@example.org"}');
  });

  it('leave neither key nor whole blocks of content in the memory of libsodium', () => {
    const box = sealed(JSON.stringify({ email: 'canary-of-libsodium', note: '-'.repeat(300) }), 'here');
    expect(boxes.open(key, box, 'here')).toContain('canary-of-libsodium');
    expect(() => boxes.open(key, box, 'there')).toThrow(UnsealError);
    const memory = Buffer.from(sodium.HEAPU8);
    expect([memory.includes('canary-of-libsodium'), memory.includes(key)]).toEqual([false, false]);
  });

  it('take a whole key, or none', () => {
    for (const length of [0, 31, 33]) {
      expect(() => boxes.seal(2, randomBytes(length), freshIv(), 'text', 'here')).toThrow(TypeError);
      expect(() => boxes.open(randomBytes(length), sealed('text', 'here'), 'here')).toThrow(TypeError);
    }
  });

  it('leave what is long to OpenSSL, of the same bytes', () => {
    for (const [text, aad] of [
      ['–'.repeat(700), 'here'],
      ['x'.repeat(10_000), 'here'],
      ['short', '–'.repeat(200)],
    ] as const) {
      expect(boxes.seal(2, key, freshIv(), text, aad)).toBeUndefined();
      expect(unseal(key, seal(key, text, aad), aad)).toBe(text);
    }
  });

  it("leave no key in libsodium's memory", () => {
    const own = randomBytes(32);
    const box = boxes.seal(2, own, freshIv(), 'text', 'here') as Buffer;
    boxes.open(own, box, 'here');
    expect(() => boxes.open(own, box, 'there')).toThrow(UnsealError);
    const memory = Buffer.from(sodium.HEAPU8.buffer);
    expect(memory.includes(own.subarray(0, 8))).toBe(false);
    expect(memory.includes(own.subarray(24))).toBe(false);
  });

  it('open after the memory has grown', () => {
    const box = sealed('text', 'here');
    const before = sodium.HEAPU8;
    sodium._malloc(8 * 2 ** 20);
    expect(sodium.HEAPU8).not.toBe(before);
    expect(boxes.open(key, box, 'here')).toBe('text');
  });
});

describe('what values are sealed with', () => {
  afterEach(() => sealWith('chacha20-poly1305'));

  it('is what was chosen; either opens, before libsodium is loaded and after', async () => {
    const ofBoth = () => {
      sealWith('aes-256-gcm');
      const aes = seal(key, { name: 'Zoë' }, 'here');
      sealWith('chacha20-poly1305');
      return [aes, seal(key, { name: 'Zoë' }, 'here')];
    };
    for (let round = 0; round < 150; round++) {
      const [aes, chacha] = ofBoth() as [Buffer, Buffer];
      expect([aes[0], chacha[0]]).toEqual([1, 2]);
      for (const one of [aes, chacha]) expect(unseal(key, one, 'here')).toEqual({ name: 'Zoë' });
      if (round === 120) await loadSodium().then(() => new Promise(setImmediate));
    }
  });
});
