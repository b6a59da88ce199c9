import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Changes that CONTRIBUTING.md has recipes for, made on a copy of the sources. Emitted files do not count as edited by
 * hand: SDL, and tables of the documentation that a test compares.
 */

jest.setTimeout(300_000);

const root = join(__dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'remit-recipes-'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** A recipe: each file that is written by hand, as a function of what is there; undefined where it is new. */
type Recipe = Readonly<Record<string, (text: string | undefined) => string>>;

/** Puts text before a place of a file that must be there once. */
const before =
  (place: string, text: string) =>
  (known: string | undefined): string => {
    if (known?.split(place).length !== 2) throw new Error(`the file has no such place, or several: ${place}`);
    return known.replace(place, () => text + place);
  };

const recipes: Readonly<Record<string, Recipe>> = {
  'a personal field, written by mutations and imports': {
    'src/subjects/customer.ts': before(
      `  @PersonalData({ ...demographic, stored: { sealed: true } })`,
      `  @PersonalData({ ...demographic, stored: { sealed: true } })
  @Writable({ description: 'Where the person was born.' })
  @Importable(words)
  @Field(() => String, { nullable: true })
  birthPlace: string | null;

`,
    ),
  },
  'a category of data': {
    'src/governance/vocabulary.ts': before(
      `  USAGE: {`,
      `  LOCATION: { fides: 'user.location', dpv: \`\${PD}Location\`, description: 'Where a device has been.' },\n`,
    ),
  },
  'a purpose': {
    'src/governance/vocabulary.ts': before(
      `} as const satisfies Record<string, PurposeTerm>;`,
      `  RESEARCH: { fides: 'functional', dpv: \`\${DPV}ResearchAndDevelopment\`, description: 'Doing research.' },\n`,
    ),
    'src/subjects/policies.ts': (text) => {
      const every = `'SECURITY', 'SUPPORT', 'LEGAL', 'IMPROVEMENT']`;
      return before(every, `'RESEARCH', `)(text);
    },
  },
  'a record about a person: support calls': {
    'src/subjects/related/support-call.ts': () => `import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import { PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';
import { Customer } from '../customer';
import { correspondence, correspondenceId } from '../policies';
import { RelatedTo } from '../related-rows';

@RelatedTo(() => Customer, 'supportCalls', { as: 'connection', newestFirst: true, description: 'Newest first.' })
@TenantTable('support_call', { subject: { kind: 'CUSTOMER', id: 'customerId' }, erasure: 'DELETE' })
@ObjectType({ description: 'A call of a customer.', simpleResolvers: true })
export class SupportCall {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  @PersonalData({ ...correspondenceId, stored: { plain: 'id' } })
  @Field(() => ID)
  id: string;

  @PersonalData({ ...correspondence, stored: { plain: 'instant' } })
  @Field(() => DateTime, { nullable: true })
  calledAt: Date | null;

  @PersonalData({ ...correspondence, stored: { sealed: true } })
  @Field(() => String, { nullable: true })
  note: string | null;
}
`,
    'migrations/data/1999999999999-add-support-calls.ts':
      () => `import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, id, instant, nullable, sealed } from '../../src/storage/columns';

export class AddSupportCalls1999999999999 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'support_call',
      primaryKey: ['client_id', 'customer_id', 'id'],
      columns: [
        id('client_id'),
        id('customer_id'),
        id('id'),
        nullable(instant('called_at')),
        nullable(sealed('sealed_correspondence')),
      ],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('support_call', true);
  }
}
`,
  },
  'a legal regime: Brazil': {
    'src/law/regimes/brazil.ts': () => `import { type Regime, since } from '../regime';

export const brazil: Regime = {
  id: 'BR',
  name: 'Brazil',
  territory: since('2020-09-18', 'BR'),
  restricts: true,
  articles: [{ from: '2020-09-18', transfer: 'LGPD Art. 33', adequacy: 'LGPD Art. 33 I' }],
  source: 'Lei 13.709/2018',
  requestDeadline: { article: 'LGPD Art. 19 II', period: { days: 15 }, source: 'Lei 13.709/2018 Art. 19 II' },
  provisions: {
    SCC: { id: 'BR-LGPD-33-II-b', article: 'LGPD Art. 33 II b', from: '2024-08-23', source: 'Resolução CD/ANPD 19/2024' },
  },
};
`,
    'src/law/regimes.ts': (text) =>
      before(
        'unitedStates];',
        'brazil, ',
      )(before(`import { eea }`, `import { brazil } from './regimes/brazil';\n`)(text)),
  },
  'a method of de-identification: the initial': {
    'src/governance/deidentification/initial.ts': () => `import { isText, type Method } from './method';

export const initial: Method = {
  description: 'The first letter of a text.',
  keyed: false,
  empty: false,
  unsuitable: (type) => (isText(type) ? undefined : 'a text is needed'),
  mask: (value) => (typeof value === 'string' ? ([...value.trim()][0] ?? null) : null),
};
`,
    'src/governance/deidentification/methods.ts': (text) =>
      before(
        '  SUPPRESS: suppress,',
        '  INITIAL: initial,\n',
      )(before('import type { Method, PseudonymDomain }', `import { initial } from './initial';\n`)(text)),
  },
};

const counted: Array<readonly [string, readonly string[]]> = [];
/** What the built copy says, by a program that runs in it. */
let said: {
  readonly fields: readonly string[];
  readonly faults: readonly string[];
  readonly due: { readonly at: number; readonly rule: string };
  readonly gaps: readonly object[];
  readonly tables: readonly string[];
  readonly initial: unknown;
  readonly refusal: string;
};
const emitted = (file: string): string => readFileSync(join(copy, 'schema', file), 'utf8');

const program = `
require('reflect-metadata');
const { fieldNames } = require('./dist/src/subjects/import/kinds');
const { lawFaults } = require('./dist/src/law/law-faults');
const { law } = require('./dist/src/law/law');
const { erasureDue } = require('./dist/src/erasure/deadline');
const { census } = require('./dist/src/commands/census');
const { temporaryInstallation } = require('./dist/src/commands/temporary-installation');
const { openStores } = require('./dist/src/stores');
const { createServices } = require('./dist/src/services');
const { deidentify } = require('./dist/src/governance/deidentification/methods');
const { govern, governanceTypeDefs } = require('./dist/src/governance/govern');
const { buildSchema } = require('graphql');

function refusalOf(field) {
  try {
    govern(buildSchema(governanceTypeDefs + 'type Query { person: Person @personalRows } type Person { ' + field +
      ' @personalData(category: NAME) @purposes(allow: [SUPPORT]) @deidentify(for: [IMPROVEMENT], by: INITIAL) }'));
    return '';
  } catch (error) {
    return error.message;
  }
}
(async () => {
  const installation = await temporaryInstallation();
  const stores = await openStores(installation.config);
  const { fields, gaps } = await census(createServices(stores), stores);
  await stores.close();
  installation.remove();
  console.log(JSON.stringify({
    fields: fieldNames('customers'),
    faults: lawFaults(law),
    due: erasureDue(Date.parse('2026-03-10T10:00:00Z'), 'BR', []),
    gaps,
    tables: [...new Set(fields.map(({ table }) => table))],
    initial: deidentify('INITIAL', [' Marlene', 7, ''], { key: new Uint8Array(32), domain: 'test' }),
    refusal: [refusalOf('name: String'), refusalOf('age: Int')].join('|'),
  }));
})();
`;

beforeAll(() => {
  for (const kept of ['src', 'migrations', 'schema', 'ormconfig.ts', 'tsconfig.json', 'package.json'])
    cpSync(join(root, kept), join(copy, kept), {
      recursive: true,
      filter: (path) => !path.includes('playground/node_modules'),
    });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const [change, recipe] of Object.entries(recipes)) {
    for (const [file, edit] of Object.entries(recipe)) {
      const path = join(copy, file);
      writeFileSync(path, edit(textOf(path)));
    }
    counted.push([change, Object.keys(recipe)]);
  }
  run(join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json');
  run('dist/src/main.js', 'schema');
  said = JSON.parse(run('-e', program));
  const width = Math.max(...counted.map(([change]) => change.length));
  const lines = counted.map(([change, files]) => `${change.padEnd(width)}  ${files.length}  ${files.join(', ')}`);
  process.stdout.write(`${'change'.padEnd(width)}  files\n${lines.join('\n')}\n`);
});

/** Runs a program in the copy. @returns what it prints @throws with what it printed, where it fails */
function run(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: copy, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words.join(' ').slice(0, 100)}\n${stdout}\n${stderr}`);
  return stdout;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

test.each(Object.entries(recipes))('%s touches two files at most', (_change, recipe) => {
  expect(Object.keys(recipe).length).toBeLessThanOrEqual(2);
});

test('the field is read, written and imported, by no contract that did not name it', () => {
  for (const [type, more] of [
    ['type Customer', 'category: DEMOGRAPHIC'],
    ['input CreateCustomerInput', '@governedBy(field: "Customer.birthPlace")'],
    ['input UpdateCustomerInput', '@governedBy(field: "Customer.birthPlace")'],
  ] as const) {
    const [, body] = new RegExp(`^${type} \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(emitted('remit.graphql')) ?? [];
    expect(body).toMatch(/^ {2}birthPlace: String/m);
    expect(body).toContain(more);
  }
  expect(said.fields).toContain('birthPlace');
  for (const contract of ['client-app.graphql', 'partner.graphql'])
    expect(emitted(contract)).not.toContain('birthPlace');
});

test('the record is listed, kept, accounted for, and in no contract', () => {
  expect(emitted('remit.graphql')).toContain('supportCalls(after: String, first: Int): SupportCallConnection');
  expect(said.tables).toContain('support_call');
  expect(said.gaps).toEqual([]);
  for (const contract of ['client-app.graphql', 'partner.graphql'])
    expect(emitted(contract)).not.toContain('SupportCall');
});

test('the regime contradicts no other one, and brings its deadline', () => {
  expect(said.faults).toEqual([]);
  expect(said.due).toEqual({ at: Date.parse('2026-03-25T23:59:59.999Z'), rule: 'LGPD Art. 19 II' });
});

test('the method is in the schema, masks, and is refused where it does not suit', () => {
  for (const file of ['directives.graphql', 'remit.graphql'])
    expect(emitted(file)).toContain('The first letter of a text.');
  expect(said.initial).toEqual(['M', null, null]);
  expect(said.refusal).toMatch(/^\|.*Person\.age.*INITIAL.*a text is needed/s);
});

test('the category is one of the API, and the purpose reads what a policy names and no more', () => {
  expect(emitted('remit.graphql')).toContain('Where a device has been.');
  const [, customer] = /^type Customer \{\n([\s\S]*?)^\}/m.exec(emitted('remit.graphql')) ?? [];
  const reads = customer?.split('\n').filter((line) => line.includes('RESEARCH')) ?? [];
  expect(reads.map((line) => line.trim().split(/[:(]/)[0])).toEqual(['id', 'postalAddress', 'residency']);
  expect(reads[0]).toContain('@deidentify(for: [IMPROVEMENT, RESEARCH], by: PSEUDONYM)');
});
