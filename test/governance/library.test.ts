import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/root';

/** A project of somebody else's, with Remit and graphql installed. */
const consumer = mkdtempSync(join(tmpdir(), 'remit-consumer-'));

beforeAll(() => {
  mkdirSync(join(consumer, 'node_modules'));
  symlinkSync(root, join(consumer, 'node_modules/remit'));
  symlinkSync(join(root, 'node_modules/graphql'), join(consumer, 'node_modules/graphql'));
});
afterAll(() => rmSync(consumer, { recursive: true, force: true }));

/** What a script prints that runs in the consumer's folder. */
const evaluate = (script: string): string =>
  execFileSync(process.execPath, ['-e', script], { cwd: consumer, encoding: 'utf8' }).trim();

test('the example of docs/library.md runs in a consumer’s folder, and prints what the page says', () => {
  const page = readFileSync(join(root, 'docs/library.md'), 'utf8');
  const [, code = '', output = ''] = /```js\n([\s\S]*?)```\s+```text\n([\s\S]*?)```/.exec(page) ?? [];
  expect(code).toContain("require('remit/governance')");
  writeFileSync(join(consumer, 'example.js'), code);
  const lines = (text: string) => text.split('\n').map((line) => line.trimEnd());
  const printed = execFileSync(process.execPath, ['example.js'], { cwd: consumer, encoding: 'utf8' });
  expect(lines(printed)).toEqual(lines(output));
});

test('the package exports the engine and nothing else', () => {
  const required = (path: string) =>
    evaluate(`try { console.log(Object.keys(require(${JSON.stringify(path)})).sort().join()) }
      catch ({ code }) { console.log(code) }`);
  expect(required('remit/governance')).toBe('SchemaPolicyError,govern,governanceTypeDefs');
  for (const inside of ['remit', 'remit/dist/src/app.js', 'remit/governance/decision']) {
    expect(required(inside)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  }
});

test('it starts without a database, an HTTP server or a decorator', () => {
  const probe = `require('remit/governance');
    console.log(Object.keys(require.cache).map((id) => /node_modules.((?:@[^/]+.)?[^/]+)/.exec(id)?.[1]).filter(Boolean)
      .filter((name, index, all) => all.indexOf(name) === index).sort().join())`;
  const loaded = evaluate(probe).split(',');
  for (const name of ['typeorm', 'type-graphql', 'fastify', '@apollo/server', 'reflect-metadata']) {
    expect(loaded).not.toContain(name);
  }
  expect(loaded).toEqual(['graphql']);
});

test('its types serve a strict consumer', () => {
  const typed = `import { buildSchema } from 'graphql';
    import { type Access, type Explanation, govern, governanceTypeDefs } from 'remit/governance';
    const access: Access = { principal: 'an.agent', purpose: 'SUPPORT', grantedPurposes: ['SUPPORT'] };
    const governed = govern(buildSchema(governanceTypeDefs + 'type Query { greeting: String }'), { ungoverned: true });
    export const explained: Explanation[] = governed.explain({ document: '{ greeting }', access });
    // @ts-expect-error whoever executes says who asks
    void governed.execute({ document: '{ greeting }' });
  `;
  writeFileSync(join(consumer, 'typed.ts'), typed);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = ['--strict', '--noEmit', '--module', 'node20', '--target', 'es2022', '--types', '', '--skipLibCheck'];
  const run = () => execFileSync(process.execPath, [tsc, ...options, 'typed.ts'], { cwd: consumer, encoding: 'utf8' });
  expect(run()).toBe('');
});
