import { checkSync } from 'recheck';
import { regularExpressions } from '../support/regular-expressions';

process.env.RECHECK_BACKEND = 'pure';

const found = regularExpressions();
const distinct = [...new Map(found.map((one) => [`/${one.pattern}/${one.flags}`, one]))];

test('attack S1: every regular expression of the source is a literal, so that it can be looked at', () => {
  expect(found.length).toBeGreaterThan(50);
  expect(found.filter(({ pattern }) => pattern === undefined)).toEqual([]);
});

test.each(distinct)('attack S1: %s takes linear time whatever it is given', (_, { file, pattern = '', flags }) => {
  const { status } = checkSync(pattern, flags, { timeout: 50_000 });
  expect({ file, status }).toEqual({ file, status: 'safe' });
});
