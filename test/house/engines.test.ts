import { DIALECTS } from '../../src/storage/dialect';
import { ENGINE_PROFILES } from '../../src/storage/engine-profiles';
import { readSource, sourceFiles } from './modules';

const sources = sourceFiles().map((file) => ({ file, text: readSource(file) }));
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

/** Places outside of its own declaration that read a flag: `x.flag`, or `{ flag } = …`. */
function readersOf(flag: string): string[] {
  const read = new RegExp(String.raw`\.${flag}\b|\{[^{}:]*\b${flag}\b[^{}:]*\}\s*(?:=|:\s*EngineProfile)`);
  return sources.filter(({ text }) => read.test(code(text))).map(({ file }) => file);
}

const flags = [
  ...Object.keys(ENGINE_PROFILES.mysql).map((flag) => ['profile', flag] as const),
  ...Object.keys(DIALECTS.mysql).map((flag) => ['dialect', flag] as const),
];

test.each(flags)('code reads the %s’s flag %s', (_, flag) => {
  expect(readersOf(flag)).not.toEqual([]);
});

test('every flag differs between two engines', () => {
  const same = (all: ReadonlyArray<object>) =>
    Object.keys(all[0] ?? {}).filter((flag) => new Set(all.map((one) => Reflect.get(one, flag))).size === 1);
  expect(same(Object.values(ENGINE_PROFILES))).toEqual([]);
  expect(same(Object.values(DIALECTS))).toEqual([]);
});

test('one file names the embedded engine, one takes a lock by it, and one keeps its statements; no other asks a data source for its type', () => {
  const naming = sources.filter(({ text }) => text.includes('better-sqlite3'));
  expect(naming.map(({ file }) => file)).toEqual([
    'storage/dialect.ts',
    'storage/file-lock.ts',
    'storage/lasting-statements.ts',
  ]);
  const asking = sources.filter(({ text }) => /options\.type\b/.test(code(text)));
  expect(asking.map(({ file }) => file)).toEqual(['storage/dialect.ts']);
});

test('lengths of time, the embedded engine’s SQL and lists have one place each', () => {
  const naming = (pattern: RegExp) => sources.filter(({ text }) => pattern.test(code(text))).map(({ file }) => file);
  expect(naming(/\b86_?400_?000\b|\b3_?600_?000\b|24 \* 60 \* 60/)).toEqual([]);
  expect(naming(/\b(?:DAY|HOUR|MINUTE)_MS =/)).toEqual(['law/calendar.ts']);
  expect(naming(/INSERT (?:OR )?IGNORE/)).toEqual(['storage/dialect.ts']);
  expect(naming(/wal_checkpoint/)).toEqual(['storage/write-ahead-log.ts']);
  expect(naming(/\.split\(','\)/)).toEqual(['gateway/limits.ts', 'storage/lists.ts']);
  expect(naming(/function\* chunksOf\b/)).toEqual(['storage/sql.ts']);
  expect(naming(/abstract new \(\.\.\.args: never\[\]\) => object/)).toEqual(['storage/entity-class.ts']);
  expect(naming(/map\(\(\) => '\?'\)|fill\('\?'\)/)).toEqual(['storage/sql.ts']);
});
