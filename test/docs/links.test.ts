import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from '../support/root';
import { pages, proseOf, textOf } from './pages';

/** The anchors that a page's headings have, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  const counts = new Map<string, number>();
  const text = textOf(page).replace(/^```[\s\S]*?^```$/gm, '');
  for (const [, heading = ''] of text.matchAll(/^#{1,6} +(.*)$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-');
    const before = counts.get(anchor) ?? 0;
    counts.set(anchor, before + 1);
    anchors.add(before === 0 ? anchor : `${anchor}-${before}`);
  }
  return anchors;
}

interface Link {
  readonly text: string;
  readonly target: string;
}

function linksOf(page: string): Link[] {
  return [...proseOf(textOf(page)).matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)].map(([, text = '', target = '']) => ({
    text,
    target,
  }));
}

/** Why a link leads nowhere; undefined where it leads somewhere, or out of the repository. */
function faultOf(page: string, { target }: Link): string | undefined {
  if (/^(https?|mailto):/.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (file.startsWith('..')) return 'leads out of the repository';
  if (!existsSync(join(root, file))) return `there is no ${file}`;
  if (anchor === undefined) return undefined;
  if (!file.endsWith('.md') || statSync(join(root, file)).isDirectory()) return `${file} has no headings`;
  return anchorsOf(file).has(anchor) ? undefined : `${file} has no heading #${anchor}`;
}

test.each(pages)('every link of %s leads somewhere', (page) => {
  const faults = linksOf(page).flatMap((link) => {
    const fault = faultOf(page, link);
    return fault === undefined ? [] : [`[${link.text}](${link.target}): ${fault}`];
  });
  expect(faults).toEqual([]);
});

test('a link that leads nowhere is found', () => {
  const page = 'docs/README.md';
  const fault = (target: string) => faultOf(page, { text: '', target });
  expect(fault('nowhere')).toBe('there is no docs/nowhere');
  expect(fault('design.md#nothing')).toBe('docs/design.md has no heading #nothing');
  expect(fault('../../elsewhere')).toBe('leads out of the repository');
  expect(fault('../SECURITY.md#threat-model')).toBeUndefined();
  expect(fault('pitfalls.md#27-a-table-that-nobody-told-the-eraser-about')).toBeUndefined();
});

test('the README has at most 12 KB', () => {
  expect(statSync(join(root, 'README.md')).size).toBeLessThanOrEqual(12 * 1024);
});

test('every page is reached from docs/README.md', () => {
  const reached = new Set(['README.md', 'docs/README.md', 'docs/adr/README.md']);
  for (const index of reached) {
    if (!existsSync(join(root, index)) || !index.endsWith('.md')) continue;
    for (const { target } of linksOf(index)) reached.add(normalize(join(dirname(index), target.split('#')[0] ?? '')));
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

test('CONTRIBUTING’s map has every folder of src', () => {
  const map = textOf('CONTRIBUTING.md');
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).filter((name) => !map.includes(`\`${name}/\``))).toEqual([]);
});

/** What code comments cite of a page: `docs/pitfalls.md, 27`, `docs/statement.md`, `statement D2`. */
test('statement ids and pitfalls keep their numbers', () => {
  const ids = [...textOf('docs/statement.md').matchAll(/^\| ([A-Z]\d) \|/gm)].map(([, id]) => id);
  const numbered = (letter: string, last: number) =>
    Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
  expect(ids).toEqual([
    ...numbered('R', 3),
    ...numbered('C', 3),
    ...numbered('P', 1),
    ...numbered('S', 4),
    ...numbered('G', 3),
    ...numbered('T', 2),
    ...numbered('D', 6),
    ...numbered('Q', 3),
    ...numbered('N', 4),
  ]);
  const pitfalls = [...textOf('docs/pitfalls.md').matchAll(/^### (\d+)\. /gm)].map(([, number]) => Number(number));
  expect(pitfalls).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
});

function* sources(): Generator<[file: string, text: string]> {
  for (const folder of ['src', 'test', 'migrations']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!/\.tsx?$/.test(name) || /(^|\/)(node_modules|dist)\//.test(name)) continue;
      yield [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')];
    }
  }
}

test('no comment cites a document that is not in the repository', () => {
  const cited = [...sources()].flatMap(([file, text]) =>
    [...text.matchAll(/docs\/([a-z-]+\.md)(?:, (\d+))?/g)].flatMap(([whole, name, number]) => {
      const page = `docs/${name}`;
      if (!pages.includes(page)) return [`${file}: ${whole}`];
      return number !== undefined && page === 'docs/pitfalls.md' && Number(number) > 31 ? [`${file}: ${whole}`] : [];
    }),
  );
  expect(cited).toEqual([]);
});

test('no comment and no name of a test cites what this repository does not explain', () => {
  const faults = [...sources()].flatMap(([file, text]) => {
    if (file.startsWith('test/docs/')) return [];
    const pitfalls = [...text.matchAll(/\bpitfalls?,? (\d+)/g)].filter(([, number]) => Number(number) > 31);
    const statement = [...text.matchAll(/['`(]S(\d+)[:,)]/g)].filter(([, number]) => Number(number) > 4);
    // A comment says which page it cites; names of tests give the pitfall's number alone.
    const unnamed = file.startsWith('src/') ? [...text.matchAll(/\(pitfalls? \d+/g)] : [];
    const outside = [...text.matchAll(/\bblueprint\b/gi)];
    return [...pitfalls, ...statement, ...unnamed, ...outside].map(([cited]) => `${file}: ${cited}`);
  });
  expect(faults).toEqual([]);
});

test('prose has at most 120 characters in a line', () => {
  const long = pages.flatMap((page) =>
    textOf(page)
      .replace(/^ *```[\s\S]*?^ *```$/gm, '')
      .split('\n')
      .filter((line) => [...line].length > 120 && !line.startsWith('|') && !line.startsWith('!['))
      .map((line) => `${page}: ${line.slice(0, 40)}…`),
  );
  expect(long).toEqual([]);
});
