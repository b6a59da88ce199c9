import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

const page = readFileSync(join(root, 'docs/attacks.md'), 'utf8');
const listed = [...page.matchAll(/^\| (S\d+) \|/gm)].map(([, id]) => String(id));

test('each attack of docs/attacks.md has a test that names it, and no test names another', () => {
  const named = new Set<string>();
  for (const file of readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts') || file.includes('node_modules') || file.startsWith('docs/')) continue;
    const text = readFileSync(join(root, 'test', file), 'utf8');
    for (const [, ids] of text.matchAll(/['"`]attack (S\d+(?:, S\d+)*)/g)) {
      for (const id of String(ids).split(', ')) named.add(id);
    }
  }
  const order = (ids: Iterable<string>) => [...ids].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  expect(listed).toHaveLength(18);
  expect(order(named)).toEqual(listed);
});
