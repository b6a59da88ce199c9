import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

/** A rule that stands in one place: how it looks where somebody writes it again, and the files that have it. */
const rules: ReadonlyArray<readonly [rule: string, again: RegExp, files: readonly string[], instead: string]> = [
  [
    'a set of roles',
    /'(?:CLIENT_(?:APP|AGENT|ADMIN|PRIVACY_OFFICER)|PLATFORM_(?:STAFF|PRIVACY_OFFICER))',\s*'(?:CLIENT|PLATFORM|AUDITOR)/,
    [
      'src/identity/roles.ts',
      'src/identity/caller.ts',
      'src/commands/caller-options.ts',
      'src/audit/reports/recipient-records.ts',
    ],
    'a set of src/identity/roles.ts',
  ],
  // tsc writes exports.name for what a file exports, in the scope of a variable of that name too.
  [
    'a local name of CommonJS',
    /\b(?:const|let) (?:exports|module|require)\b|(?:\b(?:const|let) |\()\{[^}:]*\b(?:exports|module|require)(?=[ ,}])/,
    [],
    'another name',
  ],
  ['an enum of the API', /registerEnumType/, ['src/api/enum-of.ts'], 'enumOf'],
  [
    'a country by its code',
    /countries\.isValid/,
    ['src/identity/checks.ts', 'src/subjects/values/country.ts'],
    'requireCountry',
  ],
  ['a text of 1 to N characters', /must have 1 to \$\{/, ['src/identity/checks.ts'], 'requireText'],
  ['an address with an IP', /must be an IPv4 or IPv6/, ['src/identity/checks.ts'], 'requireIpAddress'],
  ['all categories', /Object\.keys\(dataCategories\)/, ['src/governance/vocabulary.ts'], 'allCategories'],
  ['all purposes', /Object\.keys\(processingPurposes\)/, ['src/governance/vocabulary.ts'], 'allPurposes'],
  [
    'whether something is in force',
    /<= at && \((?:\w+\.)?\w+ === null \|\||\bvalidTo === null \|\||\buntil === null \|\| until/,
    ['src/law/validity.ts'],
    'covers',
  ],
  ['the only purpose that a restriction does not close', /!== 'LEGAL'/, [], 'exemptPurposes'],
  ["the statement's 90 days", /\b90 \* |<= 90\b|DAYS = 90/, [], 'statementDeletion'],
  [
    "a database's error by its code",
    /\bER_[A-Z]{3,}|'SQLITE_|\bECONN(?:REFUSED|RESET)\b/,
    [
      'connections/failure-codes',
      'connections/loss',
      'storage/failures',
      'storage/data-source',
      'storage/embedded-transaction',
    ].map((name) => `src/${name}.ts`),
    'failureOf',
  ],
  [
    "a transaction of TypeORM's own",
    /\.transaction\(|\bstartTransaction\(|'BEGIN IMMEDIATE/,
    ['src/storage/server-transaction.ts', 'src/storage/embedded-transaction.ts'],
    'inTransaction',
  ],
  [
    'a change outside a transaction',
    /(?<!\b(?:manager|writable\(source\)))\.query(?:<[^(]*>)?\(\s*[`'](?:\$\{\w+\}|INSERT|UPDATE|DELETE|REPLACE)\b/,
    ['src/storage/migration-lock.ts'],
    'inTransaction or writeStatement',
  ],
  ['a value for all that runs within a call', /\bAsyncLocalStorage\b/, ['src/connections/ambient.ts'], 'Ambient'],
  ['an EEA member', /\beeaMembers\b/, ['eea-members', 'switzerland', 'united-kingdom'].map(regime), 'regimeOf'],
];

function regime(name: string): string {
  return `src/law/regimes/${name}.ts`;
}

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/\b(dist|node_modules)\b/.test(file))
  .map((file) => `src/${file}`);

test.each(rules)('%s stands in one place', (_rule, again, known, instead) => {
  const found = files.filter((file) => again.test(readFileSync(join(root, file), 'utf8')));
  const elsewhere = found.filter((file) => !known.includes(file)).map((file) => `${file}: use ${instead}`);
  expect(elsewhere).toEqual([]);
  expect(found.length).toBeGreaterThanOrEqual(known.length > 0 ? 1 : 0);
});
