import { parseSync } from '@swc/core';
import { readSource, sourceFiles } from './modules';

/** Files that may write SQL on tenants' tables as text, and why. All others go through tenancy/tenant-sql.ts. */
const mayWriteText: ReadonlyMap<string, string> = new Map([
  ['tenancy/tenant-reader.ts', 'makes every SELECT by itself, the client first'],
  ['tenancy/tenant-writer.ts', 'names each row by its whole key, the client first'],
  ['tenancy/fence.ts', 'writes the persons’ rows of one client'],
  ['keys/backup/restore.ts', 'empties and fills whole tables of a keys’ store, which are named by their entities'],
  ['keys/backup/rows.ts', 'reads whole tables of a keys’ store'],
  ['storage/regions.ts', 'is below tenancy; looks up clients in the directory'],
]);

/** Files that may read or change rows of all clients together, and why. */
const mayCrossClients: ReadonlyMap<string, string> = new Map([
  ['audit/verification/people.ts', 'compares every person with what was decided'],
  ['audit/verification/records.ts', 'compares every row with what was decided'],
  ['commands/doctor/counts.ts', 'counts what somebody should look at'],
  ['disclosures/disclosures.ts', 'tells clients when a gag has ended'],
  ['erasure/execution/awaiting-erasures.ts', 'what waits for an epoch of keys to end waits in every client'],
  ['erasure/orphan-keys.ts', 'goes through the clients, one after the other'],
  ['erasure/records/restored-keys.ts', 'goes through the clients, one after the other'],
  ['erasure/requests/open-erasures.ts', 'counts what is open in the installation'],
  ['erasure/requests/watched-requests.ts', 'looks at what subscribers of all clients watch, each by its client'],
  ['erasure/retention/retention-rules.ts', 'sweeps by the rules of all clients'],
  ['exports/export-state.ts', 'sweeps what nobody collected'],
  ['gateway/idempotency/idempotency-keys.ts', 'sweeps what is older than a day'],
  ['jobs/due-work.ts', 'asks when the first work of a database is due'],
  ['jobs/jobs.ts', 'is the queue of all clients'],
  ['register/agreement-reminders.ts', 'looks for clients without an agreement'],
  ['register/announcements.ts', 'tells all clients'],
  ['register/clients.ts', 'keeps the directory of clients'],
  ['register/webhooks/undelivered.ts', 'counts what was given up'],
  ['register/webhooks/webhook-secrets.ts', 'seals the secrets of all endpoints under a newer key'],
  ['register/webhooks/webhook-sender.ts', 'sends what is queued of all clients'],
  ['subjects/stray-identifiers.ts', 'looks for clients whose rows nobody finds'],
]);

interface Fault {
  readonly file: string;
  readonly text: string;
}

interface Node {
  readonly type?: string;
  readonly [key: string]: unknown;
}

const sources = sourceFiles().map((file) => ({ file, text: readSource(file) }));
const tables = new Set(
  sources.flatMap(({ text }) => [...text.matchAll(/^@TenantTable\('(\w+)'/gm)].map(([, name = '']) => name)),
);
const entities = new Set(
  sources.flatMap(({ text }) =>
    [...text.matchAll(/^@TenantTable\([\s\S]*?^export class (\w+)/gm)].map(([, name = '']) => name),
  ),
);

/**
 * Texts of a program that a database might read, with `\0` where something stands that is known at run time only. Those
 * that a tag of tenant SQL takes are left out: it checks them itself.
 */
function textsIn(text: string): string[] {
  const constants = new Map([...text.matchAll(/^const (\w+) = '(\w+)';$/gm)].map(([, name, value]) => [name, value]));
  const textOf = ({ quasis, expressions }: Node) =>
    (quasis as Node[]).reduce((whole, { raw }, index) => {
      const { value } = (expressions as Node[])[index - 1] ?? {};
      return `${whole}${index === 0 ? '' : (constants.get(String(value)) ?? '\0')}${raw}`;
    }, '');
  const program = parseSync(text, { syntax: 'typescript', decorators: true, target: 'es2022' });
  const texts: string[] = [];
  const visit = (node: Node): void => {
    if (node.type === 'StringLiteral') texts.push(String(node.value));
    if (node.type === 'TemplateLiteral') texts.push(textOf(node));
    const isSafe = node.type === 'TaggedTemplateExpression' && isTag(node.tag as Node);
    for (const [key, child] of Object.entries(node)) {
      if (isSafe && key === 'template') {
        // What stands between its pieces is looked at all the same.
        for (const part of (child as Node).expressions as Node[]) visit(part);
        continue;
      }
      for (const one of Array.isArray(child) ? child : [child]) {
        if (typeof one === 'object' && one !== null) visit(one as Node);
      }
    }
  };
  visit(program as unknown as Node);
  return texts;
}

/** `sql`, or the `select` and `change` of what tenantSql and acrossClients give. */
function isTag(tag: Node): boolean {
  if (tag.type === 'Identifier') return tag.value === 'sql';
  return tag.type === 'MemberExpression' && ['select', 'change'].includes(String((tag.property as Node).value));
}

/** Whether a text names a tenant's table, or one that is known at run time only. */
function isOnTenants(text: string): boolean {
  const named = text.matchAll(/\b(?:FROM|JOIN|UPDATE|INTO)\s+(?:\\?`)?(\w+|\0)/g);
  return [...named].some(([, name = '']) => name === '\0' || tables.has(name));
}

function faults(file: string, text: string): Fault[] {
  if (!/\b(?:FROM|JOIN|UPDATE|INTO)\b/.test(text)) return [];
  return textsIn(text)
    .filter(isOnTenants)
    .map((each) => ({ file, text: each.replace(/\s+/g, ' ').replaceAll('\0', '…').slice(0, 100) }));
}

test('tenants’ tables are known', () => {
  expect([...tables]).toEqual(expect.arrayContaining(['customer', 'purpose_grant', 'job', 'client']));
  expect(entities.size).toBe(tables.size);
});

test('no file but those listed writes SQL on tenants’ tables as text', () => {
  const found = sources.flatMap(({ file, text }) => (mayWriteText.has(file) ? [] : faults(file, text)));
  expect(found).toEqual([]);
});

test('no file but those listed reads rows of all clients', () => {
  const crossing = sources.filter(
    ({ file, text }) => file !== 'tenancy/tenant-sql.ts' && /\bacrossClients\b/.test(text),
  );
  expect(crossing.map(({ file }) => file)).toEqual([...mayCrossClients.keys()].sort());
});

test('no repository of TypeORM reads or writes a tenant’s rows', () => {
  const found = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/\bgetRepository\((\w+)\)/g)]
      .filter(([, entity = '']) => entities.has(entity))
      .map(([, entity]) => `${file}: ${entity}`),
  );
  expect(found).toEqual([]);
});

test('SQL that is hidden in a text would be found', () => {
  const found = (text: string) => faults('a.ts', text).length;
  const hole = '$'.concat('{hole}');
  expect(found("q('SELECT id FROM customer WHERE id = ?')")).toBe(1);
  expect(found(`q(\`DELETE FROM \\\`customer\\\` WHERE id = ${hole}\`)`)).toBe(1);
  expect(found(`q(\`UPDATE ${hole} SET a = 1\`)`)).toBe(1);
  expect(found(`rows.select\`SELECT id FROM customer WHERE ${hole}\``)).toBe(0);
  expect(found(`rows.select<Row>\`SELECT id FROM customer WHERE ${hole.replace('hole', "raw('FROM job')")}\``)).toBe(1);
  expect(found("q('SELECT 1 FROM audit_log'); say('mail FROM customer')")).toBe(1);
  expect(found('// SELECT id FROM customer\nq(1)')).toBe(0);
});
