import { canonical } from '../../src/audit/log/canonical';
import { standsAt } from '../../src/audit/verification/entry-place';

const place = { log: 'log-1', sequence: 7, id: 'id-1', client: 'client-1' };
const bodyOf = (fields: object) => Buffer.from(canonical({ kind: 'ACCESS', time: 'now', ...place, ...fields }));

describe('where an entry says that it stands', () => {
  test('is what its own members say', () => {
    expect(standsAt(bodyOf({}), place)).toBe(true);
    expect(standsAt(bodyOf({ client: null }), { ...place, client: null })).toBe(true);
    expect(standsAt(bodyOf({ details: { id: 'id-2', note: 'é"}' } }), place)).toBe(true);
  });

  test.each([{ client: 'client-2' }, { client: null }, { id: 'id-2' }, { log: 'log-2' }, { sequence: 70 }])(
    'is not where %j is another',
    (other) => {
      expect(standsAt(bodyOf(other), place)).toBe(false);
      expect(standsAt(bodyOf({}), { ...place, ...other })).toBe(false);
    },
  );

  test('is found by no column that quotes its way into the members behind it', () => {
    const body = bodyOf({ details: { note: 'x' } });
    expect(standsAt(body, { ...place, client: 'client-1","details":{"note":"x' })).toBe(false);
    expect(standsAt(body, { ...place, id: 'id-1","kind":"ACCESS' })).toBe(false);
  });

  test('is left to a parser for what speaks of logs, or has another form', () => {
    expect(standsAt(bodyOf({ kind: 'LOG_PRUNED' }), place)).toBe(false);
    expect(standsAt(Buffer.from(JSON.stringify(place)), place)).toBe(false);
  });
});
