import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

const sources = (folder: string): Array<{ file: string; text: string }> =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !/(^|\/)(dist|node_modules)\//.test(file))
    .map((file) => ({ file: `${folder}/${file}`, text: readFileSync(join(root, folder, file), 'utf8') }));

test('outside the core, the code imports only the entries of its package', () => {
  const entries = new Set(['govern', 'vocabulary']);
  const others = [...sources('src'), ...sources('migrations')].filter(
    ({ file }) => !file.startsWith('src/governance/'),
  );
  const inside = others.flatMap(({ file, text }) =>
    [...text.matchAll(/from '(?:\.\.?\/)+(?:src\/)?governance\/([^']+)'/g)]
      .filter(([, module = '']) => !entries.has(module))
      .map(([, module]) => `${file}: ${module} is inside; import governance/govern or governance/vocabulary`),
  );
  expect(inside).toEqual([]);
  const manifest = JSON.parse(readFileSync(join(root, 'src/governance/package.json'), 'utf8'));
  expect(Object.keys(manifest.exports)).toEqual(['.', './vocabulary', './package.json']);
});

test('the core depends on graphql alone, and leaves its version to whoever uses it', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'src/governance/package.json'), 'utf8'));
  expect([manifest.dependencies, manifest.peerDependencies]).toEqual([undefined, { graphql: '^16.8' }]);
  const imported = sources('src/governance').flatMap(({ text }) =>
    [...text.matchAll(/^(?:import|export)\s[^;]*?from '([^'.][^']*)'/gm)].map(([, name]) => name),
  );
  expect([...new Set(imported)].sort()).toEqual(['graphql', 'graphql/jsutils/suggestionList.js', 'node:crypto']);
});

/** What the core decides in one file, and how it looks where somebody writes it again. */
test.each([
  ['the fragments of a document', /Kind\.FRAGMENT_DEFINITION/, ['executable-document.ts']],
  ['what is spread in a place', /Kind\.(INLINE_FRAGMENT|FRAGMENT_SPREAD)/, ['executable-document.ts']],
  ["a field's rule", /\breadFieldRule\(/, ['field-rule.ts', 'field-table.ts']],
  ['whether a value is a promise', /\.then === 'function'/, ['promises.ts']],
  ['the answer to an internal failure', /\('Internal server error'/, ['errors.ts']],
  ['why a field is withheld that nothing decided', /no plan reaches/, ['errors.ts']],
  ['the names of the methods', /'(PSEUDONYM|PARTIAL|GENERALIZE|BUCKET|SUPPRESS)'/, []],
  [
    'the words of a policy',
    /\b(allPurposes|processingPurposes|dataCategories)\b/,
    ['schema-vocabulary.ts', 'vocabulary.ts'],
  ],
])('in the core, %s stands in one place', (_what, again, known) => {
  const found = sources('src/governance').filter(({ text }) => again.test(withoutComments(text)));
  expect(found.map(({ file }) => file.replace('src/governance/', '')).sort()).toEqual(known);
});

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
