import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remitHere as remit } from '../support/command';
import { root } from '../support/root';

const folder = mkdtempSync(join(tmpdir(), 'remit-imports-doc-'));
const env = {
  DATABASE_URL: `sqlite:${join(folder, 'remit.db')}`,
  KEYS_DATABASE_URL: `sqlite:${join(folder, 'keys.db')}`,
};
jest.setTimeout(240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the commands of docs/imports.md do what it says, in its order', async () => {
  const text = readFileSync(join(root, 'docs/imports.md'), 'utf8');
  cpSync(join(root, 'test/subjects/import/samples'), folder, { recursive: true });
  const [, mapping = ''] = /with `woocommerce-map\.json`:\n\n```json\n(.*?)\n```/s.exec(text) ?? [];
  writeFileSync(join(folder, 'woocommerce-map.json'), mapping);
  const commands = [...text.matchAll(/^\$ remit (.*)$/gm)].map(([, words = '']) => words.split(' '));
  expect(commands.length).toBeGreaterThan(6);
  const said: string[] = [];
  for (const words of commands) {
    const { code, stdout, stderr } = await remit(words, { cwd: folder, env });
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' });
    said.push(stdout);
  }
  expect(said[0]).toContain('Nothing was written.');
  expect(said[0]).toContain('Columns that are not used: Contact owner');
  expect(said[1]).toContain('3 created');
  expect(said.at(-1)).toContain('2 orders read: 1 created, 0 updated, 1 unchanged');
});
