import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { CursorError, openCursor, sealCursor } from '../../src/api/cursor';
import { blindIndex } from '../../src/keys/blind-index';
import { deriveKey } from '../../src/keys/derived-keys';
import { UnsealError } from '../../src/keys/errors';
import { seal, unseal } from '../../src/keys/sealing';

const key = randomBytes(32);

describe('seal and unseal', () => {
  test('any JSON value comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, aad) => {
        expect(unseal(key, seal(key, value, aad), aad)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('every flipped bit and every cut is refused, without a word of the content', () => {
    const sealed = seal(key, { email: 'canary@example.org' }, 'client|subject|customer');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const altered = Buffer.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => unseal(key, altered, 'client|subject|customer')).toThrow(UnsealError);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => unseal(key, sealed.subarray(0, length), 'client|subject|customer')).toThrow(UnsealError);
    }
  });

  test('another key and another place are refused', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (aad, other, bytes) => {
        fc.pre(aad !== other);
        const sealed = seal(key, 'canary', aad);
        expect(() => unseal(key, sealed, other)).toThrow(UnsealError);
        expect(() => unseal(Buffer.from(bytes), sealed, aad)).toThrow(UnsealError);
      }),
    );
  });

  test('equal values are sealed differently, in the layout version | iv | ciphertext | tag', () => {
    const [one, two] = [seal(key, 'ab', 'x'), seal(key, 'ab', 'x')];
    expect(one.equals(two)).toBe(false);
    expect(one).toHaveLength(1 + 12 + Buffer.byteLength('"ab"') + 16);
    expect(one[0]).toBe(2);
  });

  test('undefined cannot be sealed', () => {
    expect(() => seal(key, undefined, 'x')).toThrow(TypeError);
  });
});

describe('blind index', () => {
  const index = deriveKey(key, 'blind-index');

  test.each([
    ['email', ' Ada@Example.ORG ', 'ada@example.org'],
    ['email', 'ａｄａ@example.org', 'ada@example.org'],
    ['phone', '+43 (1) 234-567', '+431234567'],
    ['phone', '0043 1 234567', '+431234567'],
    ['phone', '01/234 568', '01234568'],
    ['socialHandle', ' @Ada_L', 'ada_l'],
    ['externalId', ' A-17\t', 'A-17'],
  ] as const)('%s: %j is looked up as %j', (kind, written, normal) => {
    expect(blindIndex(index, { kind, value: written })).toBe(blindIndex(index, { kind, value: normal }));
    expect(blindIndex(index, { kind, value: written })).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('external ids keep their case, a national number is not an international one', () => {
    expect(blindIndex(index, { kind: 'externalId', value: 'A-17' })).not.toBe(
      blindIndex(index, { kind: 'externalId', value: 'a-17' }),
    );
    expect(blindIndex(index, { kind: 'phone', value: '431234567' })).not.toBe(
      blindIndex(index, { kind: 'phone', value: '+431234567' }),
    );
  });

  test('equal values of different kinds, and of different clients, differ', () => {
    const kinds = ['email', 'phone', 'socialHandle', 'externalId'] as const;
    const indices = kinds.map((kind) => blindIndex(index, { kind, value: '+431234567@8x.org' }));
    const elsewhere = kinds.map((kind) =>
      blindIndex(deriveKey(randomBytes(32), 'blind-index'), { kind, value: '+431234567@8x.org' }),
    );
    expect(new Set([...indices, ...elsewhere]).size).toBe(8);
  });

  test('nothing to look up by gives no index', () => {
    expect(blindIndex(index, { kind: 'phone', value: 'n/a' })).toBeNull();
    expect(blindIndex(index, { kind: 'phone', value: '+' })).toBeNull();
    expect(blindIndex(index, { kind: 'email', value: '  ' })).toBeNull();
    expect(blindIndex(index, { kind: 'socialHandle', value: '@' })).toBeNull();
  });

  test('normalising twice changes nothing', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^(\+|00)?[1-9][\d ]{5,12}$/), (phone) => {
        const plain = phone.replaceAll(' ', '').replace(/^00/, '+');
        expect(blindIndex(index, { kind: 'phone', value: phone })).toBe(
          blindIndex(index, { kind: 'phone', value: plain }),
        );
      }),
    );
  });
});

test('the derived keys differ by use and by client, and are stable', () => {
  const uses = ['blind-index', 'pseudonym', 'cursor', 'tombstone'] as const;
  const all = [key, randomBytes(32)].flatMap((client) => uses.map((use) => deriveKey(client, use).toString('hex')));
  expect(new Set(all).size).toBe(8);
  expect(deriveKey(key, 'cursor')).toHaveLength(32);
  expect(deriveKey(key, 'cursor').equals(deriveKey(key, 'cursor'))).toBe(true);
});

describe('cursors', () => {
  const cursorKey = deriveKey(key, 'cursor');

  test('any payload comes back, from base64url text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => {
        const cursor = sealCursor(cursorKey, payload, 'here');
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(openCursor([cursorKey], cursor, 'here')).toEqual(JSON.parse(JSON.stringify(payload)));
      }),
    );
  });

  test('two cursors of one row differ', () => {
    expect(sealCursor(cursorKey, ['row'], 'here')).not.toBe(sealCursor(cursorKey, ['row'], 'here'));
  });

  test('another client, an altered text and any other text are refused', () => {
    const cursor = sealCursor(cursorKey, { id: 'canary' }, 'here');
    expect(() => openCursor([cursorKey], cursor, 'there')).toThrow(CursorError);
    expect(() => openCursor([deriveKey(randomBytes(32), 'cursor')], cursor, 'here')).toThrow(CursorError);
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      expect(() => openCursor([cursorKey], cursor.slice(0, at) + other + cursor.slice(at + 1), 'here')).toThrow(
        CursorError,
      );
    }
    for (const text of ['', 'x', `${cursor}=`, ` ${cursor}`, `${cursor}\n`, 'YXJyYXljb25uZWN0aW9uOjE=']) {
      expect(() => openCursor([cursorKey], text, 'here')).toThrow(CursorError);
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => openCursor([cursorKey], text, 'here')).toThrow(CursorError);
      }),
    );
  });
});
