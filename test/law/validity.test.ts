import { covers, nextChangeOf, validUntil } from '../../src/law/validity';

test('it holds from its moment up to its end, which is outside', () => {
  const day = { from: 10, to: 20 };
  expect([9, 10, 19, 20].map((at) => covers(day, at))).toEqual([false, true, true, false]);
  expect(covers({ from: 10, to: null }, Number.MAX_SAFE_INTEGER)).toBe(true);
});

test('the first end ends it', () => {
  expect(validUntil(10)).toEqual({ from: 10, to: null });
  expect(validUntil(10, null, undefined)).toEqual({ from: 10, to: null });
  expect(validUntil(10, 30, 20)).toEqual({ from: 10, to: 20 });
  expect(covers(validUntil(10, null, 5), 10)).toBe(false);
});

test('the next change is the next beginning or end after a moment', () => {
  const held = [
    { from: 10, to: 20 },
    { from: 15, to: null },
  ];
  expect([0, 10, 15, 20].map((at) => nextChangeOf(held, at))).toEqual([10, 15, 20, Number.POSITIVE_INFINITY]);
});
