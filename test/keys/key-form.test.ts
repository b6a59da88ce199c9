import { createHmac, KeyObject, randomBytes } from 'node:crypto';
import { quickest } from '../../src/keys/key-form';

test.each([
  [20, false],
  [22, false],
  [24, true],
  [26, true],
])('a key is used in the form that is quickest on Node %i', (major, isObject) => {
  const key = randomBytes(32);
  const form = quickest(key, major);
  expect(form instanceof KeyObject).toBe(isObject);
  const macs = [key, form].map((each) => createHmac('sha256', each).update('text').digest('hex'));
  expect(macs[1]).toBe(macs[0]);
});
