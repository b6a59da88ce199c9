import { createHmac } from 'node:crypto';
import { deidentify } from '../../src/governance/deidentification/methods';
import { type PseudonymKey, pseudonymKeyOf } from '../../src/governance/pseudonym-key';

const secret = Buffer.from("the client's key");
const within = { key: secret, domain: 'T.email' };
const nobody = { grantedPurposes: [] };

test('attack S13: a pseudonym is of its domain: one text is another in another field', () => {
  const pseudonymIn = (domain: string, value = 'x') => deidentify('PSEUDONYM', value, { ...within, domain });
  expect(pseudonymIn('Customer.email')).toBe(pseudonymIn('Customer.email'));
  expect(pseudonymIn('Customer.email')).not.toBe(pseudonymIn('Customer.externalId'));
  expect(pseudonymIn('Customer.email')).not.toBe(pseudonymIn('ClientUser.email'));
  expect(pseudonymIn('A.b', 'cd')).not.toBe(pseudonymIn('A.bc', 'd'));
});

test('PSEUDONYM is a keyed digest of the text', () => {
  const digest = createHmac('sha256', secret).update('T.email\0ada@example.org').digest('base64url').slice(0, 22);
  expect(deidentify('PSEUDONYM', 'ada@example.org', within)).toBe(`p_${digest}`);
  expect(deidentify('PSEUDONYM', 42, within)).toBe(deidentify('PSEUDONYM', '42', within));
  expect(deidentify('PSEUDONYM', 'ada', { ...within, key: Buffer.from('another') })).not.toBe(
    deidentify('PSEUDONYM', 'ada', within),
  );
  expect(deidentify('PSEUDONYM', { email: 'x' }, within)).toBeNull();
  expect(deidentify('PSEUDONYM', true, within)).toBeNull();
});

test.each([
  ['Ada', 'A•••'],
  [' Ada', 'A•••'],
  ['Ad', 'A•••'],
  ['A', '•'],
  [' A ', '•'],
  ['', '•'],
  ['  ', '•'],
  ['ada@example.org', 'a•••'],
  ['Émile', 'É•••'],
  ['𝒜da', '𝒜•••'],
  ['4111 1111 1111 1234', '••••1234'],
  ['+49 30 1234-5678', '••••5678'],
  ['12345678', '••••5678'],
  ['1234567', '1•••'],
  ['order 12345678', '••••5678'],
  ['my own order 12345678', 'm•••'],
  [12345678, '••••5678'],
  [7, '•'],
])('PARTIAL of %j is %j', (value, partial) => {
  expect(deidentify('PARTIAL', value, within)).toBe(partial);
});

test.each([
  ['2001-02-03', '2001-01-01'],
  ['2001-02-03T04:05:06Z', '2001-01-01T00:00:00.000Z'],
  ['192.168.17.4', '192.168.17.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
  ['2001:DB8::1', '2001:db8:0::/48'],
  ['::1', '0:0:0::/48'],
  ['fe80::', 'fe80:0:0::/48'],
  ['12:30', null],
  ['1:2:3:4:5:6:7', null],
  ['1:2:3:4:5:6:7:8:9', null],
  ['::ffff:192.168.1.1', null],
  ['who: me', null],
  ['10115', '10'],
  ['SW1A 1AA', 'SW1'],
  ['1234', '12'],
  ['123456', '123'],
  ['A1', 'A'],
  ['London', null],
  ['12 Long Street, 4th floor', null],
  ['2001-2-3', '200'],
  ['', null],
  [42, null],
  [{}, null],
])('GENERALIZE of %j is %j', (value, general) => {
  expect(deidentify('GENERALIZE', value, within)).toBe(general);
});

test('GENERALIZE of a date is its year', () => {
  expect(deidentify('GENERALIZE', new Date('2001-12-31T23:59:59Z'), within)).toEqual(new Date('2001-01-01T00:00:00Z'));
});

test.each([
  [0, 0],
  [0.9, 0],
  [-0.9, 0],
  [1, 1],
  [1.9, 1],
  [2, 2],
  [4.99, 2],
  [5, 5],
  [9, 5],
  [10, 10],
  [19, 10],
  [20, 20],
  [49, 20],
  [50, 50],
  [99, 50],
  [1000, 1000],
  [4711, 2000],
  [-7, -5],
  [Number.NaN, null],
  [Number.POSITIVE_INFINITY, null],
  ['7', null],
])('BUCKET of %j is %j', (value, bound) => {
  expect(deidentify('BUCKET', value, within)).toBe(bound);
});

test.each(['PSEUDONYM', 'PARTIAL', 'GENERALIZE', 'BUCKET', 'SUPPRESS'] as const)(
  '%s of nothing is nothing',
  (method) => {
    for (const value of [null, undefined, new Error('x')]) expect(deidentify(method, value, within)).toBeNull();
  },
);

test('of a list, each item; suppressed, not even its length', () => {
  expect(deidentify('PARTIAL', ['Ada', null, ['Bob']], within)).toEqual(['A•••', null, ['B•••']]);
  expect(deidentify('BUCKET', [3, 7], within)).toEqual([2, 5]);
  expect(deidentify('SUPPRESS', ['Ada', 'Bob'], within)).toBeNull();
  expect(deidentify('SUPPRESS', 'Ada', within)).toBeNull();
});

test("the key is the access's own, or of the root key and the client", () => {
  const rootKey = Buffer.alloc(32, 'r');
  const key = (access: object, root: PseudonymKey | undefined = rootKey) =>
    pseudonymKeyOf(root, { ...nobody, ...access });
  expect(key({ pseudonymKey: secret, client: 'one' })).toBe(secret);
  expect(key({ pseudonymKey: secret }, 'per-access')).toBe(secret);
  expect(key({ client: 'one' })).toEqual(createHmac('sha256', rootKey).update('one').digest());
  expect(key({ client: 'one' })).toEqual(key({ client: 'one' }, Buffer.alloc(32, 'r')));
  expect(key({ client: 'one' })).not.toEqual(key({ client: 'two' }));
  expect(key({ client: 'one' })).not.toEqual(key({ client: 'one' }, Buffer.alloc(32, 's')));
  expect(key({})).toHaveLength(32);
  expect(() => key({ client: 'one' }, 'per-access')).toThrow('the access brings no pseudonymKey');
});
