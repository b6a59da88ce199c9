import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from './sets/audit';
import { erasure } from './sets/erasure';
import { serve } from './sets/serve';
import { transfers } from './sets/transfers';
import { machine, root } from './support/installation';

/** The sets by name: `npm run bench -- NAME…`, all of them where none is named. */
const sets: Readonly<Record<string, () => Promise<unknown>>> = { serve, audit, erasure, transfers };

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !Object.hasOwn(sets, name));
  if (unknown.length > 0) {
    process.stderr.write(`no such set: ${unknown.join(', ')}; there are ${Object.keys(sets).join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  process.stdout.write(`${machine()}\n`);
  const results: Record<string, unknown> = { machine: machine(), at: new Date().toISOString() };
  for (const [name, set] of Object.entries(sets)) {
    if (asked.length === 0 || asked.includes(name)) results[name] = await set();
  }
  writeFileSync(join(root, 'test', 'bench', 'bench.json'), `${JSON.stringify(results, null, 2)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
