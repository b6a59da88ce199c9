import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { LosslessNumber } from 'lossless-json';
import { openSourceFile, type ReadingOptions } from '../../../src/subjects/import/source-file';

const folder = mkdtempSync(join(tmpdir(), 'remit-reading-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What each row has in the columns, or what is wrong with it; and the encoding. */
async function read(name: string, content: string | Buffer, columns: readonly string[], options: ReadingOptions = {}) {
  const path = join(folder, name);
  writeFileSync(path, content);
  const source = await openSourceFile(path, options);
  const rows: unknown[] = [];
  for await (const { line, content: found } of source.rows()) {
    if ('fault' in found) rows.push({ line, ...found.fault });
    else rows.push([line, ...columns.map((column) => found.value(column)).map(plain)]);
  }
  return { rows, encoding: source.encoding };
}
const plain = (value: unknown): unknown => (value instanceof LosslessNumber ? value.value : value);
const rowsOf = async (content: string, columns: readonly string[]) => (await read('a.csv', content, columns)).rows;

describe('CSV', () => {
  it('case note-rows: no row is taken from inside of a note, and the first certain one is taken again', async () => {
    const text = 'id,name,note\n1,Ada,"said "hello" and then\n999,Mallory,from inside a note\nbye"\n2,Bob,ok\n';
    const closes = 'a quote closes in the middle of a value; write it twice';
    expect(await rowsOf(text, ['id', 'name'])).toEqual([{ line: 2, through: 4, reason: closes }, [5, '2', 'Bob']]);
    const atEnd = 'id,note\n1,"he said "hi""\n2,ok\n';
    expect(await rowsOf(atEnd, ['id'])).toEqual([{ line: 2, reason: closes }, [3, '2']]);
  });

  it('case cr-only: lines may end with a carriage return alone, and a broken one costs itself', async () => {
    expect(await rowsOf('id,name\r1,Ada\r2,"Bob" x\r3,Cyd\r4,Dee\r5,Eve\r', ['id', 'name'])).toEqual([
      [2, '1', 'Ada'],
      { line: 3, reason: 'a quote closes in the middle of a value; write it twice' },
      [4, '3', 'Cyd'],
      [5, '4', 'Dee'],
      [6, '5', 'Eve'],
    ]);
  });

  it('a quote that nothing closes costs its own line', async () => {
    expect(await rowsOf('id,name\n1,"Ada\n2,Bob\n3,Cyd\n', ['id'])).toEqual([
      { line: 2, reason: 'a quote is opened and never closed' },
      [3, '2'],
      [4, '3'],
    ]);
    expect(await rowsOf('id,size\n1,6" pipe\n2,7\n', ['id'])).toEqual([
      { line: 2, reason: expect.stringContaining('opens in the middle') },
      [3, '2'],
    ]);
  });

  it('nobody who writes a note writes a row, whatever the note says and however its quotes are left alone', async () => {
    const piece = fc.constantFrom('"', '\n', ',', 'x', ' ', '999,Mallory,z', '""', '\n999,Mallory,z\n');
    const note = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(note, async (text) => {
        // A note that closes the value as CSV does is no broken one: nothing in the file tells that it was meant so.
        fc.pre(!/"[,\n]/.test(`${text.replace(/"+$/, '')}x`) && !text.startsWith('"'));
        const rows = await rowsOf(`id,name,note\n1,Ada,"a${text}b"\n2,Bob,ok\n3,Cyd,ok\n`, ['id']);
        expect(rows.filter((row) => Array.isArray(row) && row[1] === '999')).toEqual([]);
        expect(rows).toContainEqual([expect.any(Number), '3']);
      }),
      { numRuns: 300 },
    );
  });

  it('what is written by RFC 4180 is read as it was meant', async () => {
    const cell = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r\n', 'a', 'é', ' ', ';'), maxLength: 8 });
    const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom('\n', '\r\n'), async (cells, ending) => {
        const quoted = cells.map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(','));
        const expected = cells.filter((row) => row.some((each) => each.trim() !== ''));
        const found = await rowsOf(`a,b,c${ending}${quoted.join(ending)}${ending}`, ['a', 'b', 'c']);
        expect(found.map((row) => (row as unknown[]).slice(1))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('cases short-rows, trailing-comma: cells that are missing or too many and empty cost nothing', async () => {
    const short = 'id,name,mail,phone\n1,Ada,ada@example.org\n2,Bob\n,,,\n';
    expect(await rowsOf(short, ['id', 'mail', 'phone'])).toEqual([
      [2, '1', 'ada@example.org', undefined],
      [3, '2', undefined, undefined],
    ]);
    const surplus = 'id,name\n1,Ada,\n2,Bob, ,\n3,Cyd,x\n';
    expect(await rowsOf(surplus, ['id', 'name'])).toEqual([
      [2, '1', 'Ada'],
      [3, '2', 'Bob'],
      { line: 4, reason: 'has 3 columns where the header has 2' },
    ]);
  });

  it.each([
    ['commas', 'id,name\n1,Ada\n'],
    ['semicolons', 'id;name\n1;Ada\n'],
    ['tabs', 'id\tname\n1\tAda\n'],
    ['bars', 'id|name\n1|Ada\n'],
    ['what Excel says', 'sep=;\nid;name\n1;Ada\n'],
  ])('delimited by %s', async (_, text) => {
    const rows = await rowsOf(text, ['id', 'name']);
    expect(rows.map((row) => (row as unknown[]).slice(1))).toEqual([['1', 'Ada']]);
  });

  it('broken quotes on every line cost their own lines, however many there are', async () => {
    const line = (tail: string) => `1,"a" b${tail}\n`;
    for (const tail of ['', ',"', '""', ',""c'] as const) {
      const found = await rowsOf(`id,name\n${line(tail).repeat(5_000)}`, ['id']);
      expect(found.length).toBeGreaterThan(0);
    }
  });
});

describe('encodings', () => {
  const text = 'id,name\n1,René\n2,Zoë “of” €\n';
  it.each([
    ['utf-8', Buffer.from(text), { name: 'utf-8', by: 'content' }],
    ['utf-8 with a mark', Buffer.from(`\uFEFF${text}`), { name: 'utf-8', by: 'mark' }],
    ['utf-16le with a mark', Buffer.from(`\uFEFF${text}`, 'utf16le'), { name: 'utf-16le', by: 'mark' }],
    ['utf-16be with a mark', Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(), { name: 'utf-16be', by: 'mark' }],
    ['utf-16le', Buffer.from(text, 'utf16le'), { name: 'utf-16le', by: 'content' }],
  ])('%s is found', async (_, bytes, encoding) => {
    const found = await read('e.csv', bytes, ['name']);
    expect(found).toEqual({
      encoding,
      rows: [
        [2, 'René'],
        [3, 'Zoë “of” €'],
      ],
    });
  });

  it('case cp1252: what spreadsheets of western Europe write is found by its likeness', async () => {
    const bytes = Buffer.from('id,name\n1,Ren\xe9e\n2,Bob\n3,Zo\xeb\n4,\x93Al\x94 \x80\n', 'latin1');
    const found = await read('cp.csv', bytes, ['name']);
    expect(found.encoding).toEqual({ name: 'windows-1252', by: 'guess' });
    expect(found.rows).toEqual([
      [2, 'Renée'],
      [3, 'Bob'],
      [4, 'Zoë'],
      [5, '“Al” €'],
    ]);
  });

  it('one that is said is taken, one that is none is refused with those there are', async () => {
    const bytes = Buffer.from([...Buffer.from('id,name\n1,'), 0xc8, 0xe2, 0xe0, 0xed, 0x0a]);
    expect(await read('cyr.csv', bytes, ['name'], { encoding: 'windows-1251' })).toEqual({
      encoding: { name: 'windows-1251', by: 'option' },
      rows: [[2, 'Иван']],
    });
    await expect(read('cyr.csv', bytes, ['name'], { encoding: 'klingon' })).rejects.toThrow(
      /no encoding klingon; name/,
    );
    await expect(read('x.csv', Buffer.from('PK\x03\x04abc'), [])).rejects.toThrow('save its sheet as CSV');
  });
});

describe('NDJSON', () => {
  it('case bigint-ids: a number is the text that it is', async () => {
    const text = ['1152921504606846976', '1152921504606846977', '1.50', '1e+21', '"7"']
      .map((id) => `{"id":${id}}\n`)
      .join('');
    const { rows } = await read('n.ndjson', text, ['id']);
    expect(rows.map((row) => (row as unknown[])[1])).toEqual([
      '1152921504606846976',
      '1152921504606846977',
      '1.50',
      '1e+21',
      '7',
    ]);
  });

  it('an object that names a key twice, or is none, is refused', async () => {
    const { rows } = await read('n.ndjson', '{"id":1,"id":2}\n{"id":3}\n[4]\n{"id":01}\n', ['id']);
    expect(rows).toEqual([
      { line: 1, reason: 'is not a JSON object' },
      [2, '3'],
      { line: 3, reason: 'is not a JSON object' },
      { line: 4, reason: 'is not a JSON object' },
    ]);
  });
});
