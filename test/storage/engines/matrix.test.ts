import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIALECTS } from '../../../src/storage/dialect';
import { ENGINE_PROFILES, LIMIT_VARIABLES } from '../../../src/storage/engine-profiles';
import { root } from '../../support/root';
import { listedStatements } from '../../support/statements/list';
import { CONSTRUCTS, SHARDED } from './constructs';
import { LEXICONS, reservedNames } from './lexicons';

const FILE = join(root, 'docs/engines.md');
const statements = listedStatements();

type Row = readonly string[];

/** The tables of docs/engines.md, by the mark that stands above each. */
const tables: Readonly<Record<string, readonly Row[]>> = {
  profiles: [
    ['flag', ...Object.keys(ENGINE_PROFILES)],
    ...Object.keys(ENGINE_PROFILES.mysql).map((flag) => [
      flag,
      ...Object.values(ENGINE_PROFILES).map((profile) => shown(flag, Reflect.get(profile, flag))),
    ]),
  ],
  limits: [
    ['setting', 'unit', 'ends', 'source'],
    ...Object.entries(LIMIT_VARIABLES).map(([name, { perSecond, ends, source }]) => [
      ...[`\`${name}\``, perSecond === 1 ? 'second' : 'millisecond', ends, source],
    ]),
  ],
  dialects: [
    ['flag', ...Object.keys(DIALECTS)],
    ...Object.keys(DIALECTS.mysql).map((flag) => [
      flag,
      ...Object.values(DIALECTS).map((dialect) => shown(flag, Reflect.get(dialect, flag))),
    ]),
  ],
  words: [
    ['engine', 'reserved words', 'statements rejected', 'source of the words'],
    ...LEXICONS.map((lexicon) => [
      lexicon.engine,
      String(lexicon.words.length),
      String(statements.filter((statement) => reservedNames(statement, lexicon).length > 0).length),
      lexicon.source,
    ]),
  ],
  constructs: [
    ['not used', 'because of', 'source'],
    ...CONSTRUCTS.map(({ name, engines, source }) => [name, engines.join(', '), source]),
  ],
  sharded: [
    ['needs care on a sharded Vitess', 'where', 'source'],
    ...SHARDED.map(({ name, statements: where, source }) => [
      name,
      where.map((statement) => `\`${/`?(\w+)`?$/.exec(statement)?.[1]}\``).join(', '),
      source,
    ]),
  ],
};

test('docs/engines.md shows the profiles, the dialects and what the statements were held to', () => {
  const page = readFileSync(FILE, 'utf8');
  const right = Object.entries(tables).reduce((text, [mark, rows]) => withTable(text, mark, rows), page);
  if (process.env.DOCS_UPDATE === '1') writeFileSync(FILE, right);
  else expect(page).toBe(right);
});

function withTable(page: string, mark: string, rows: readonly Row[]): string {
  const [before, after, ...more] = page.split(`<!-- ${mark} -->\n`);
  if (before === undefined || after === undefined || more.length > 0) throw new Error(`one <!-- ${mark} --> is needed`);
  return `${before}<!-- ${mark} -->\n${table(rows)}\n${after.replace(/^(?:\|.*\n)*\n?/, '')}`;
}

function table(rows: readonly Row[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  const [first, ...rest] = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  return [first ?? [], rule, ...rest].map((row) => `| ${row.join(' | ')} |\n`).join('');
}

/** A flag as the page says it: of a query, the place that it reads. */
function shown(flag: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return value.toLocaleString('en');
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((name) => `\`${name}\``).join(' or ');
  const text = String(value).trim();
  if (text === '') return 'none';
  return `\`${flag === 'columns' ? /\bFROM ([\w.]+)/.exec(text)?.[1] : text}\``;
}
