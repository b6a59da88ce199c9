import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../support/root';
import { type Consumer, consumerWith, isUnreachable, packLibrary, type Tarball } from './consumer';

/** The oldest graphql that the package says it takes, and the newest; each with a server of its time. */
const consumers = {
  oldest: { graphql: '16.8.1', 'graphql-yoga': '^5.24.1', '@apollo/server': '^4.13.0' },
  newest: { graphql: '^16.15.0', 'graphql-yoga': '^5.24.1', '@apollo/server': '^5.5.1' },
};

jest.setTimeout(300_000);

let tarball: Tarball;
beforeAll(async () => {
  tarball = await packLibrary();
});

test('the tarball has the built package and nothing else, in less than 150 KB', () => {
  expect(tarball.size).toBeLessThan(150_000);
  const folders = new Set(tarball.files.map((path) => path.replace(/[^/]+$/, '')));
  expect([...folders].sort()).toEqual([
    '',
    'dist/cjs/',
    'dist/cjs/deidentification/',
    'dist/esm/',
    'dist/esm/deidentification/',
  ]);
  expect(tarball.files.filter((path) => !path.includes('/')).sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
  const inDist = tarball.files.filter((path) => path.startsWith('dist/'));
  expect(inDist.filter((path) => !/\.(js|d\.ts)$|^dist\/esm\/package\.json$/.test(path))).toEqual([]);
});

describe.each(Object.entries(consumers))('with the %s graphql 16', (name, dependencies) => {
  let consumer: Consumer | undefined;

  beforeAll(async () => {
    try {
      consumer = await consumerWith(dependencies, tarball);
      cpSync(join(root, 'examples/library'), consumer.folder, {
        recursive: true,
        filter: (path) => !/node_modules|package(-lock)?\.json/.test(path),
      });
    } catch (error) {
      if (process.env.CI || !isUnreachable(error)) throw error;
      process.stderr.write(
        `LEFT OUT: the registry cannot be reached, so the library is not tried with ${name} graphql\n`,
      );
    }
  });
  afterAll(() => consumer && rmSync(consumer.folder, { recursive: true, force: true }));

  /** A test that needs the consumer: left out, as was said, where there is none. */
  const tried = (what: string, how: (consumer: Consumer) => Promise<void>) =>
    test(what, async () => {
      if (consumer) await how(consumer);
    });

  tried('one copy of graphql is installed, of that version', async ({ npm }) => {
    const { dependencies: installed } = JSON.parse(await npm('ls', 'graphql', '--all', '--json'));
    const versions = new Set<string>();
    const visit = (packages: Record<string, { version: string; dependencies?: object }> = {}) => {
      for (const [named, { version, dependencies: inner }] of Object.entries(packages)) {
        if (named === 'graphql') versions.add(version);
        visit(inner as typeof packages);
      }
    };
    visit(installed);
    const [version, another] = versions;
    expect(another).toBeUndefined();
    expect(version).toMatch(name === 'oldest' ? /^16\.8\.1$/ : /^16\./);
  });

  tried("the README's example prints what the README says, as module and as CommonJS", async ({ folder, node }) => {
    const readme = readFileSync(join(folder, 'node_modules/@remit/governance/README.md'), 'utf8');
    const [, code = '', output = ''] = /```js\n([\s\S]*?)```\s+```text\n([\s\S]*?)```/.exec(readme) ?? [];
    writeFileSync(join(folder, 'readme.js'), code);
    expect(lines(await node('readme.js'))).toEqual(lines(output));
    const required = code.replaceAll(/import (\{.*?\}) from ('.*?')/g, 'const $1 = require($2)');
    writeFileSync(join(folder, 'readme.cjs'), `(async () => {${required}})()`);
    expect(lines(await node('readme.cjs'))).toEqual(lines(output));
  });

  tried('every @example of the public API prints what it says', async ({ folder, node }) => {
    const found = ['field-table', 'govern', 'type-defs'].flatMap((module) => {
      const typed = readFileSync(join(folder, `node_modules/@remit/governance/dist/esm/${module}.d.ts`), 'utf8');
      return [...typed.matchAll(/@example\n \* ```ts\n([\s\S]*?) \* ```/g)].map(([, text = '']) =>
        text.replaceAll(/^ \* ?/gm, ''),
      );
    });
    expect(found.length).toBe(3);
    for (const code of found) {
      writeFileSync(join(folder, 'example.js'), code);
      const [, said] = /^\/\/ (.*)$/m.exec(code.slice(code.lastIndexOf('console.log'))) ?? [];
      expect((await node('example.js')).trim()).toBe(said);
    }
  });

  tried('the plain program of examples/library runs', async ({ node }) => {
    expect(lines(await node('plain.js'))).toEqual([
      'SUPPORT [{"name":"Ada","born":"1815-12-10"},{"name":"Grace","born":"1906-12-09"}]',
      'IMPROVEMENT [{"name":null,"born":"1815-01-01"},{"name":null,"born":"1906-01-01"}] PURPOSE_NOT_PERMITTED',
      'LEGAL null PURPOSE_NOT_GRANTED',
      '',
    ]);
  });

  tried('GraphQL Yoga serves it by the plugin', async ({ folder }) => {
    await serving(folder, 'yoga.js', async (url) => {
      await servesPatients(url);
      const response = await ask(url, 'subscription { admitted { name born } }', 'IMPROVEMENT', 'text/event-stream');
      const events = [...(await response.text()).matchAll(/^data: (\{.*\})$/gm)].map(([, data = '']) =>
        JSON.parse(data),
      );
      expect(events.map(({ data }) => data.admitted)).toEqual([
        { name: null, born: '1815-01-01' },
        { name: null, born: '1906-01-01' },
      ]);
      const literal = await answer(url, '{ patients(id: "a.secret") { name } }', 'SUPPORT');
      expect(literal.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
      expect(JSON.stringify(literal)).not.toContain('a.secret');
      const misspelt = await answer(url, '{ patient { nam } }', 'SUPPORT');
      expect(misspelt.errors[0].message).toBe('Cannot query field "patient" on type "Query".');
      const long = await answer(url, `{ ${'patients { name } '.repeat(4_000)} }`, 'SUPPORT');
      expect(long.data).toBeUndefined();
    });
  });

  tried('Apollo Server serves it by the gateway', async ({ folder }) => {
    await serving(folder, 'apollo.js', servesPatients);
  });

  tried('Yoga without the plugin says what is missing, and gives nothing', async ({ folder }) => {
    const unwired = readFileSync(join(folder, 'yoga.js'), 'utf8').replace(
      'plugins: [governed.envelop],',
      'plugins: [],',
    );
    writeFileSync(join(folder, 'unwired.js'), unwired.replace('governed, ', ''));
    await serving(folder, 'unwired.js', async (url) => {
      const { data, errors } = await answer(url, '{ patients { name } }', 'SUPPORT');
      expect(data).toEqual({ patients: null });
      expect(errors).toMatchObject([
        {
          message: expect.stringMatching(/^Query\.patients is governed, .*governed\.envelop.*governed\.gateway/),
          extensions: { code: 'GOVERNANCE_NOT_WIRED' },
        },
      ]);
    });
  });

  tried(
    'a schema that both builds of the package govern is guarded once, and executed by either',
    async ({ folder, node }) => {
      writeFileSync(
        join(folder, 'both.js'),
        `import { createRequire } from 'node:module';
      import { buildSchema } from 'graphql';
      import * as esm from '@remit/governance';
      const cjs = createRequire(import.meta.url)('@remit/governance');
      const schema = buildSchema(esm.governanceTypeDefs + 'type Query { x: String @personalData(category: NAME) @purposes(allow: [SUPPORT]) }');
      let calls = 0;
      schema.getQueryType().getFields().x.resolve = () => ++calls;
      const access = { principal: 'p', purpose: 'SUPPORT', grantedPurposes: ['SUPPORT'] };
      const both = [esm.govern(schema), cjs.govern(schema)];
      const results = [];
      for (const governed of both) results.push((await governed.execute({ document: '{ x }', access })).data.x);
      console.log(esm.govern === cjs.govern, calls, results.join());`,
      );
      expect((await node('both.js')).trim()).toBe('false 2 1,2');
    },
  );

  tried('it loads graphql and nothing else', async ({ node }) => {
    const probe = `require('@remit/governance'); console.log([...new Set(Object.keys(require.cache)
      .map((id) => /.*node_modules.((?:@[^/]+.)?[^/]+)/.exec(id)?.[1]))].sort().join())`;
    expect((await node('--input-type=commonjs', '-e', probe)).trim()).toBe('@remit/governance,graphql');
  });

  tried('it exports its entries and nothing inside', async ({ node }) => {
    const exported = async (path: string) =>
      JSON.parse(
        await node(
          '--input-type=module',
          '-e',
          `console.log(JSON.stringify(await import('${path}').then((m) => Object.keys(m).sort(), (e) => e.code)))`,
        ),
      );
    expect(await exported('@remit/governance')).toEqual([
      'FieldTable',
      'JsonText',
      'RowTexts',
      'SchemaPolicyError',
      'UnlikeParents',
      'defaultLimits',
      'defaultVocabulary',
      'govern',
      'governanceTypeDefs',
      'governanceTypeDefsFor',
      'isRefusal',
      'mappedEvents',
      'rowSourceOf',
      'setRowSource',
      'syntaxError',
      'withGovernanceDirectives',
    ]);
    expect(await exported('@remit/governance/vocabulary')).toContain('processingPurposes');
    expect(await exported('@remit/governance/dist/esm/decision.js')).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  tried('its types serve a strict consumer of either kind, and fit the servers', async ({ folder }) => {
    const typed = `import { buildSchema } from 'graphql';
      import { createYoga } from 'graphql-yoga';
      import { ApolloServer } from '@apollo/server';
      import { type Access, defaultLimits, type Explanation, govern, governanceTypeDefs, type Limits, type ProcessingPurpose } from '@remit/governance';
      import { allPurposes } from '@remit/governance/vocabulary';
      const purpose: ProcessingPurpose = 'SUPPORT';
      const access: Access = { principal: 'an.agent', purpose, grantedPurposes: allPurposes };
      const limits: Limits = { ...defaultLimits, depth: 3 };
      const schema = buildSchema(governanceTypeDefs + 'type Query { greeting: String }');
      const governed = govern(schema, { ungoverned: true, limits });
      export const explained: Explanation[] = governed.explain({ document: '{ greeting }', access });
      export const yoga = createYoga({ schema, plugins: [governed.envelop] });
      export const apollo = new ApolloServer({ gateway: governed.gateway });
      // @ts-expect-error whoever executes says who asks
      void governed.execute({ document: '{ greeting }' });
    `;
    writeFileSync(join(folder, 'typed.mts'), typed);
    writeFileSync(join(folder, 'typed.cts'), typed);
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const options = ['--strict', '--noEmit', '--module', 'node20', '--target', 'es2022', '--lib', 'es2023,dom,esnext'];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types'), '--skipLibCheck'];
    expect(await nodeIn(folder, [tsc, ...options, ...types, 'typed.mts', 'typed.cts'])).toBe('');
  });
});

const lines = (text: string) => text.split('\n').map((line) => line.trimEnd());

async function nodeIn(cwd: string, words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, words, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return text;
}

/** Starts a program that prints its address, and ends it after use. */
async function serving(folder: string, program: string, use: (url: string) => Promise<void>): Promise<void> {
  const env = { PATH: process.env.PATH, PORT: '0' };
  const child: ChildProcess = spawn(process.execPath, [program], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    await use(await addressOf(child));
  } finally {
    child.kill();
    await ended;
  }
}

async function addressOf({ stdout, stderr }: ChildProcess): Promise<string> {
  let said = '';
  stderr?.on('data', (chunk) => {
    said += chunk;
  });
  if (stdout) for await (const line of createInterface({ input: stdout })) if (line.startsWith('http')) return line;
  throw new Error(`the program ended without an address: ${said}`);
}

const ask = (url: string, query: string, purpose: string | undefined, accept = 'application/json') =>
  fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      authorization: 'Bearer an.agent',
      ...(purpose ? { 'processing-purpose': purpose } : {}),
    },
    body: JSON.stringify({ query }),
  });

const answer = async (url: string, query: string, purpose?: string) => (await ask(url, query, purpose)).json();

async function servesPatients(url: string): Promise<void> {
  const document = '{ patients { id name born } }';
  expect((await answer(url, document, 'SUPPORT')).data).toEqual({
    patients: [
      { id: '1', name: 'Ada', born: '1815-12-10' },
      { id: '2', name: 'Grace', born: '1906-12-09' },
    ],
  });
  const improvement = await answer(url, document, 'IMPROVEMENT');
  const pseudonym = expect.stringMatching(/^p_/);
  expect(improvement.data).toEqual({
    patients: [
      { id: pseudonym, name: null, born: '1815-01-01' },
      { id: pseudonym, name: null, born: '1906-01-01' },
    ],
  });
  expect(improvement.errors).toMatchObject([{ extensions: { code: 'PURPOSE_NOT_PERMITTED', rows: 2 } }]);
  expect(improvement.extensions.governance.purpose).toBe('IMPROVEMENT');
  const nothing = await answer(url, document);
  expect([nothing.data, nothing.errors[0].extensions.code]).toEqual([null, 'PURPOSE_REQUIRED']);
}
