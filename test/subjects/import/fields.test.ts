import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { How } from '../../../src/subjects/import/field-types';
import type { ImportKind } from '../../../src/subjects/import/kinds';
import { RowMapper } from '../../../src/subjects/import/mapped-row';
import { mappingOf } from '../../../src/subjects/import/mapping';
import { openSourceFile } from '../../../src/subjects/import/source-file';

const folder = mkdtempSync(join(tmpdir(), 'remit-fields-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What of one field is taken in, by the row's key; `field: reason` where it is not. */
async function read(kind: ImportKind, name: string, text: string, mapping: object, field: string, how: How = {}) {
  writeFileSync(join(folder, name), text);
  const source = await openSourceFile(join(folder, name));
  const mapper = new RowMapper(mappingOf(mapping, kind, 'map'), how);
  const found: Record<string, unknown> = {};
  for await (const row of source.rows()) {
    const mapped = mapper.map(row);
    if (!mapped || 'reason' in mapped) continue;
    const [fault] = mapped.faults;
    found[String(mapped.values.externalId)] = fault ? `${fault.field}: not taken` : mapped.values[field];
  }
  return found;
}

test('case amounts: what a program’s arithmetic left behind the decimals is taken away, and no amount is guessed', async () => {
  const sums = ['0.30000000000000004', '1e+21', '1000', '19.99', '-3.5', '123456789.12', '7.000000000000001'];
  const text = sums.map((sum, place) => `{"no":"B${place}","who":"1","sum":${sum}}\n`).join('');
  const mapping = { externalId: 'no', customerExternalId: 'who', total: 'sum' };
  expect(await read('orders', 'amounts.ndjson', text, mapping, 'total')).toEqual({
    B0: 0.3,
    B1: 'total: not taken',
    B2: 1000,
    B3: 19.99,
    B4: -3.5,
    B5: 123456789.12,
    B6: 7,
  });
});

test('case dates: a spelling that may mean two days is taken once it is said which', async () => {
  const text = 'no,who,on\nD0,1,2021-03-04 10:11:12 UTC\nD1,1,04/03/2021\nD2,1,1614852672\nD3,1,0000-00-00 00:00:00\n';
  const mapping = { externalId: 'no', customerExternalId: 'who', placedAt: 'on' };
  const day = new Date('2021-03-04T10:11:12Z');
  const refused = 'placedAt: not taken';
  const unsaid = await read('orders', 'dates.csv', text, mapping, 'placedAt');
  expect(unsaid).toEqual({ D0: day, D1: refused, D2: refused, D3: undefined });
  const european = await read('orders', 'dates.csv', text, mapping, 'placedAt', { format: 'EU' });
  expect(european).toMatchObject({ D0: day, D1: new Date('2021-03-04T00:00:00Z') });
  const seconds = { ...mapping, placedAt: { column: 'on', format: 'EPOCH_SECONDS' } };
  expect(await read('orders', 'dates.csv', text, seconds, 'placedAt')).toMatchObject({ D2: day });
});

test('case phones-e-notation: digits that a spreadsheet cut off are no number, and no id', async () => {
  const text = 'id,name,phone\n1,Ada,4.47912E+11\n4.47912E+11,Bob,\n"=""007""",Cyd,\'+442079460001\n';
  const mapping = { externalId: 'id', phone: 'phone' };
  expect(await read('customers', 'phones.csv', text, mapping, 'phone')).toEqual({
    1: 'phone: not taken',
    '007': '+442079460001',
  });
});
