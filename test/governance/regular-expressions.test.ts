import { check } from 'recheck';
import { regularExpressions } from '../support/regular-expressions';

const found = regularExpressions();
const distinct = [...new Map(found.map((one) => [`/${one.pattern}/${one.flags}`, one]))];

test('attack S1: every regular expression of the source is a literal, so that it can be looked at', () => {
  expect(found.length).toBeGreaterThan(50);
  expect(found.filter(({ pattern }) => pattern === undefined)).toEqual([]);
});

test.each(distinct)(
  'attack S1: %s takes linear time whatever it is given',
  async (_, { file, pattern = '', flags }) => {
    const { status } = await check(pattern, flags, { timeout: 50_000 });
    expect({ file, status }).toEqual({ file, status: 'safe' });
  },
);
