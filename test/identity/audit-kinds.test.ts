import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerChangeRecorder } from '../../src/audit/recording/change-recorder';
import { auditKind, auditKinds, auditKindTable } from '../../src/identity/audit-kinds';
import { objectionBit } from '../../src/identity/objections';

test('docs/audit-kinds.md has the catalogue of kinds', () => {
  const page = readFileSync(join(__dirname, '../../docs/audit-kinds.md'), 'utf8');
  const [, table] = /<!-- kinds -->\n([\s\S]*?)\n<!-- \/kinds -->/.exec(page) ?? [];
  // The formatter pads cells.
  const bare = (text = '') =>
    text
      .replace(/ +/g, ' ')
      .replace(/-{3,}/g, '---')
      .replace(/ ?\| ?/g, '|');
  expect(bare(table)).toBe(bare(auditKindTable()));
});

test('a kind fits the ledger and says what happened', () => {
  for (const [kind, { title }] of Object.entries(auditKinds)) {
    expect(kind).toMatch(/^[A-Z][A-Z_]{2,39}$/);
    expect(title).toMatch(/^[A-Z].*\.$/);
  }
});

test('a kind of an earlier release is kept as evidence', () => {
  expect(auditKind('SOMETHING_OLD')).toMatchObject({ seenBy: 'CLIENT', retention: 'EVIDENCE' });
  expect(auditKind('toString')).toMatchObject({ retention: 'EVIDENCE' });
});

describe('the recorder refuses', () => {
  const recorder = new LedgerChangeRecorder({} as never, {} as never);

  test('a kind that the catalogue lacks, where the compiler was passed by', async () => {
    const kind = 'SOMETHING_ELSE' as 'GRANT_GIVEN';
    await expect(recorder.record(kind, { principal: 'test' })).rejects.toThrow('SOMETHING_ELSE is no kind of entry');
  });

  test("an entry for the platform alone that a client's officer would be shown", async () => {
    const change = { client: '0190a1b2-0000-7000-8000-000000000000', principal: 'test' };
    await expect(recorder.record('LEGAL_BASIS_SUSPENDED', change)).rejects.toThrow('names no client');
  });
});

test('a free string is no kind: the compiler refuses it', () => {
  // @ts-expect-error: it is not in the catalogue.
  const record = () => new LedgerChangeRecorder({} as never, {} as never).record('NOT_A_KIND', { principal: 'test' });
  expect(record).toBeInstanceOf(Function);
});

test.each([
  ['SERVICE_DELIVERY', 1],
  ['SECURITY', 2],
  ['SUPPORT', 4],
  ['LEGAL', 8],
  ['IMPROVEMENT', 16],
] as const)('the bit of %s in the database is %i for good', (purpose, bit) => {
  expect(objectionBit(purpose)).toBe(bit);
});
