import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { alertRules } from '../../src/audit/alerts/rules';
import { erasureStatuses } from '../../src/erasure/requests/erasure-request';
import { dataCategories, deidentifications, processingPurposes } from '../../src/governance/vocabulary';
import { roles } from '../../src/identity/caller';
import { remainsTable } from '../../src/inventory/remains';
import { derivedUses } from '../../src/keys/derived-keys';
import { transferStates } from '../../src/transfers/approval-state';
import { root } from '../support/root';
import { textOf } from './pages';

/** The code spans in a page's section, from its heading to the next one of its level or above. */
function namedIn(page: string, heading: string, pattern: RegExp): string[] {
  const text = textOf(page);
  const start = text.indexOf(`${heading}\n`);
  expect(start).toBeGreaterThan(-1);
  const level = /^#+/.exec(heading)?.[0].length ?? 1;
  const rest = text.slice(start + heading.length);
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  const section = end === -1 ? rest : rest.slice(0, end);
  return [...new Set([...section.matchAll(pattern)].map(([, name = '']) => name))].sort();
}

const sorted = (names: Iterable<string>) => [...names].sort();

test('docs/deployment.md lists the variables of .env.example', () => {
  const example = readFileSync(join(root, '.env.example'), 'utf8');
  const variables = [...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name = '']) => name);
  const rows = textOf('docs/deployment.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const listed = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]{2,})`/g)]);
  expect(sorted(listed.map(([, name = '']) => name))).toEqual(sorted(variables));
});

test('docs/key-rotation.md says of every derived key what a replacement means for it', () => {
  const rows = textOf('docs/key-rotation.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const meanings = rows.flatMap((row) => {
    const [, uses = '', , meaning = ''] = row.split('|');
    return [...uses.matchAll(/`([a-z-]+)`/g)].map(([, use = '']) => [use, meaning] as const);
  });
  expect(sorted(meanings.map(([use]) => use))).toEqual(sorted(Object.keys(derivedUses)));
  const words = { MOVED: 'anew', OVERLAPS: 'hold until', CHANGES: 'change', KEPT: 'kept', PLATFORM: "not a client's" };
  for (const [use, meaning] of meanings) {
    expect([use, meaning]).toEqual([use, expect.stringContaining(words[derivedUses[use as keyof typeof derivedUses]])]);
  }
});

test('docs/concepts.md names every purpose, role and category', () => {
  const page = 'docs/concepts.md';
  expect(namedIn(page, '## Purposes', /^\| `([A-Z_]+)` \|/gm)).toEqual(sorted(Object.keys(processingPurposes)));
  expect(namedIn(page, '## Who is who', /`([A-Z_]+)`/g)).toEqual(sorted(roles));
  const categories = namedIn(page, '## What is decided', /`([A-Z_]+)`/g);
  expect(categories).toEqual(sorted(Object.keys(dataCategories)));
});

test('docs/directives.md names every directive and every way to de-identify', () => {
  const defined = readFileSync(join(root, 'schema/directives.graphql'), 'utf8').matchAll(/^directive (@\w+)/gm);
  const rows = textOf('docs/directives.md').matchAll(/^\| `(@\w+)\(/gm);
  const names = (matches: Iterable<RegExpMatchArray>) => sorted([...matches].map(([, name = '']) => name));
  expect(names(rows)).toEqual(names(defined));
  const forms = textOf('docs/directives.md').matchAll(/^\| `([A-Z]+)` \|/gm);
  expect(names(forms)).toEqual(sorted(Object.keys(deidentifications)));
});

test('docs/erasure.md lists what stays of an erased person', () => {
  // The formatter pads cells.
  const bare = (text = '') =>
    text
      .replace(/ +/g, ' ')
      .replace(/-{3,}/g, '---')
      .replace(/ ?\| ?/g, '|');
  const [, table] = /<!-- remains -->\n([\s\S]*?)\n<!-- \/remains -->/.exec(textOf('docs/erasure.md')) ?? [];
  expect(bare(table)).toBe(bare(remainsTable()));
});

test('docs/operations.md names every rule of alerts', () => {
  const rules = namedIn('docs/operations.md', '## Accesses that stand out', /^\| `([A-Z_]+)` \|/gm);
  expect(rules).toEqual(sorted(alertRules.map(({ kind }) => kind)));
});

test('docs/transfers.md names every state of an approval', () => {
  expect(namedIn('docs/transfers.md', '## Approvals', /(?<=^\|[^|]*)`([A-Z]+)`/gm)).toEqual(
    sorted(Object.keys(transferStates)),
  );
});

test('docs/erasure.md names every status of a request', () => {
  const statuses = namedIn('docs/erasure.md', '## Statuses', /^\| `([A-Z_]+)` \|/gm);
  expect(statuses).toEqual(sorted(Object.keys(erasureStatuses)));
});

test('docs/operations.md quotes messages that the server has', () => {
  const quoted = [...textOf('docs/operations.md').matchAll(/`((?:the|an) [^`0-9]+)`/g)].map(([, words = '']) =>
    words.replaceAll('\n', ' '),
  );
  expect(quoted.length).toBeGreaterThan(3);
  const sources = ['src/app.ts', 'src/readiness.ts', 'src/gateway/health.ts']
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join();
  expect(quoted.filter((message) => !sources.includes(`'${message}'`))).toEqual([]);
});
