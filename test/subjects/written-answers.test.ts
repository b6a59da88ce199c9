import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import {
  buildSchema,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql';
import { v7 as uuid } from 'uuid';
import { contractOf } from '../../src/gateway/contracts';
import { type DecidedOperation, type GovernedResult, JsonText, type WrittenResult } from '../../src/governance/govern';
import { allPurposes, type ProcessingPurpose } from '../../src/governance/vocabulary';
import { objectionBits } from '../../src/identity/objections';
import { AutomatedDecision } from '../../src/subjects/related/automated-decision';
import { Conversation, Message } from '../../src/subjects/related/conversation';
import { CustomAttribute } from '../../src/subjects/related/custom-attribute';
import { HealthRecord } from '../../src/subjects/related/health-record';
import { Order, OrderItem } from '../../src/subjects/related/order';
import { type Asker, claimsOf, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { root } from '../support/root';
import { insertCustomer, insertRows } from '../support/rows';

/** More by the environment, e.g. PROPERTY_RUNS=20000 PROPERTY_SEED=1. */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 80);
const seed = process.env.PROPERTY_SEED ? { seed: Number(process.env.PROPERTY_SEED) } : {};

/** Choices of a run, in their order. After the last one nothing more is chosen. */
class Tape {
  #at = 0;
  constructor(private readonly choices: readonly number[]) {}
  below(limit: number): number {
    return (this.choices[this.#at++] ?? limit - 1) % limit;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

const askers: readonly Asker[] = [
  { role: 'CLIENT_AGENT', client: 'acme' },
  { role: 'CLIENT_ADMIN', client: 'acme' },
  { role: 'CLIENT_AGENT', client: 'acme', country: 'US' },
  { role: 'CLIENT_AGENT', client: 'acme', country: 'RU' },
  { role: 'CLIENT_AGENT', client: 'acme', country: null },
  { role: 'CLIENT_AGENT', client: 'acme', purposes: ['SUPPORT'] },
  { role: 'AUDITOR' },
];

const names = ['Ada', 'Zoë "Z"', 'O\\Hara\n', '–', '\u2028\u{1f600}', 'null', '<b>'];

interface Planted {
  readonly acme: string;
  readonly ids: readonly string[];
  readonly emails: readonly string[];
}

async function plant(app: TestApp): Promise<Planted> {
  const acme = (await app.services.clients.register({ slug: 'acme', name: 'acme' }, 'test')).id;
  const ids: string[] = [];
  const states = [
    { residency: 'DE' },
    { residency: 'FR', restriction: 'OBJECTION' },
    { residency: 'RU' },
    { residency: null },
    { residency: 'US', objectionMask: objectionBits(['SECURITY']) },
    { residency: 'DE', objectionMask: objectionBits(['SUPPORT', 'IMPROVEMENT']) },
    { residency: 'GB' },
  ];
  for (let n = 0; n < 12; n++) {
    const name = names[n % names.length] ?? null;
    const customerId = await insertCustomer(app, acme, {
      ...states[n % states.length],
      firstName: n % 3 === 0 ? null : name,
      lastName: n % 4 === 0 ? undefined : `${name}-${n}`,
      email: n % 5 === 0 ? 'shared@example.com' : `p${n}@example.com`,
      phone: '+49 30 12345678',
      ipAddress: n % 2 === 0 ? '192.0.2.7' : '2001:db8::1',
      gender: name,
      externalId: `E-${n}`,
      source: n % 2 === 0 ? 'shop' : 'desk',
      lastAutomatedDecisionAt: n % 2 === 0 ? new Date(Date.UTC(2026, 1, n + 1)) : null,
      postalAddress: n % 3 === 1 ? { street: `${name} 1`, city: 'Köln', postalCode: '50667', country: 'DE' } : null,
    });
    ids.push(customerId);
    for (let m = 0; m < n % 4; m++) {
      const orderId = uuid();
      const order = { id: orderId, customerId, currency: 'EUR', total: m * 1_234.5, status: m === 0 ? null : 'PAID' };
      await insertRows(app, acme, Order, [{ ...order, placedAt: m === 1 ? null : new Date(Date.UTC(2026, m, n + 1)) }]);
      const items = [1, 2].map((quantity) => ({ id: uuid(), customerId, orderId, name, quantity, unitPrice: 19.99 }));
      await insertRows(app, acme, OrderItem, items);
      const conversationId = uuid();
      await insertRows(app, acme, Conversation, [{ id: conversationId, customerId, channel: 'CHAT', subject: name }]);
      const message = { customerId, conversationId, sentAt: new Date(Date.UTC(2026, n, m)), direction: 'INBOUND' };
      await insertRows(app, acme, Message, [
        { ...message, id: uuid(), body: `${name}` },
        { ...message, id: uuid(), body: '' },
      ]);
      await insertRows(app, acme, HealthRecord, [
        { id: uuid(), customerId, recordedAt: new Date(Date.UTC(2026, 3, 1)), kind: name, note: 'a note' },
      ]);
      await insertRows(app, acme, CustomAttribute, [{ id: uuid(), customerId, key: `k${m}`, value: name }]);
      const decision = { id: uuid(), customerId, madeAt: new Date(0), subject: 'credit', logic: name };
      await insertRows(app, acme, AutomatedDecision, [decision]);
    }
  }
  // One is being erased, one has no key any more, and of one a sealed column was altered.
  const source = await app.stores.regions.of(acme);
  await source.query("UPDATE customer SET restriction = 'ERASURE' WHERE id = ?", [ids[6]]);
  await source.query('UPDATE customer SET sealed_name = sealed_contact WHERE id = ?', [ids[3]]);
  await app.stores.keys.destroySubjectKey(acme, ids[7] ?? '');
  return { acme, ids, emails: ['shared@example.com', 'P1@Example.com', 'nobody@example.com'] };
}

const rootFields = ['customers', 'customer', 'customerLookup', 'customersByIdentifier'] as const;

/** A random operation on customers, by the schema. */
function operation(tape: Tape, query: GraphQLObjectType, { ids, emails }: Planted, cursors: readonly string[]): string {
  const one = ({ chance }: Tape) => chance.call(tape, 92);
  const roots = one(tape) ? [tape.pick(rootFields)] : [tape.pick(rootFields), tape.pick(rootFields)];
  const fragments: string[] = [];
  const text = roots.map((name, index) => {
    const field = query.getFields()[name];
    const alias = roots.length > 1 || tape.chance(10) ? `${tape.pick(['a', '__proto__', 'z'])}${index}: ` : '';
    return field ? `${alias}${name}${rootArguments(name)}${selection(field.type, 0)}` : '';
  });
  const typename = '__typename @skip(if: $no) @include(if: $yes)';
  return `query Q($yes: Boolean! = true, $no: Boolean! = false) { ${typename} ${text.join(' ')} }\n${fragments.join('\n')}`;

  function rootArguments(name: (typeof rootFields)[number]): string {
    const id = tape.chance(90) ? tape.pick(ids) : tape.pick(['nobody', '']);
    if (name === 'customer') return `(id: ${JSON.stringify(tape.chance(10) ? id.toUpperCase() : id)})`;
    if (name !== 'customers')
      return `(by: {${tape.pick([`email: ${JSON.stringify(tape.pick(emails))}`, 'externalId: "E-3"'])}})`;
    const filter = tape.pick([
      ...['', '', '', 'filter: {residency: "DE"}', 'filter: {residency: "nowhere"}', 'filter: {source: "shop"}'],
      ...[
        'filter: {objectsTo: SECURITY}',
        'filter: {createdAfter: "2020-01-01T00:00:00Z", decidedAutomatically: true}',
      ],
    ]);
    return given([`first: ${tape.pick([0, 1, 3, 12, 50, 501, -1])}`, filter, after()]);
  }

  function after(): string {
    return tape.chance(15) ? `after: ${JSON.stringify(cursors.length > 0 ? tape.pick(cursors) : 'forged')}` : '';
  }

  function given(parts: readonly string[]): string {
    const kept = parts.filter((part) => part !== '' && tape.chance(80));
    return kept.length > 0 ? `(${kept.join(', ')})` : '';
  }

  function selection(type: GraphQLOutputType, depth: number): string {
    const named = getNamedType(type);
    if (!isObjectType(named)) return '';
    const fields = Object.values(named.getFields()).filter(
      (field) => depth < 6 || isLeafType(getNamedType(field.type)),
    );
    const few = fields.length > 6;
    const chosen = fields.filter((field) => {
      const isLeaf = isLeafType(getNamedType(field.type));
      const isWrapper = !few || isListType(getNullableType(field.type));
      return tape.chance(isLeaf ? (few ? 45 : 60) : isWrapper ? 70 : 30);
    });
    const parts = chosen.map((field) => {
      const isConnection = field.args.some(({ name }) => name === 'after');
      const args = isConnection
        ? given([`first: ${tape.pick([0, 1, 2, 50, 999])}`, tape.chance(10) ? after() : ''])
        : '';
      const alias = tape.chance(6) ? `${tape.pick(['x', 'toString', '__proto__'])}_${field.name}: ` : '';
      const directive = tape.chance(6) ? tape.pick([' @skip(if: $no)', ' @include(if: $yes)', ' @skip(if: $yes)']) : '';
      return `${alias}${field.name}${args}${directive}${selection(field.type, depth + 1)}`;
    });
    if (tape.chance(8) || parts.length === 0) parts.push('__typename');
    // The same field under a second key is counted once a row.
    const [again] = chosen.filter((field) => isLeafType(getNamedType(field.type)));
    if (again && tape.chance(8)) parts.push(`again_${again.name}: ${again.name}`);
    const all = parts.join(' ');
    if (tape.chance(10)) return ` { ... on ${named.name} { ${all} } }`;
    if (!tape.chance(8)) return ` { ${all} }`;
    fragments.push(`fragment F${fragments.length} on ${named.name} { ${all} }`);
    return ` { ...F${fragments.length - 1} }`;
  }
}

describe.each(databases)('answers that are written from cells, on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let planted: Planted;
  const seen = { runs: 0, written: 0, withheld: 0, deidentified: 0, partly: 0, edges: 0, subjects: 0, several: 0 };

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    planted = await plant(app);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  async function decided(asker: Asker, purpose: ProcessingPurpose | undefined, document: string) {
    const claims = claimsOf(asker);
    const context = await app.services.accessService.contextFor(claims, purpose);
    const planned = app.contracts[contractOf(claims)].plan(document, null, context.access);
    if (!('decide' in planned)) {
      if (planned.errors?.[0]?.extensions.code === 'OPERATION_TOO_LARGE') return undefined;
      throw new Error(`${JSON.stringify(planned.errors)}\n${document}`);
    }
    const decision = planned.decide({ access: context.access, variableValues: {} });
    return { decision, context };
  }

  /** The answer as it is sent, and what the ledger is told. Cursors are made anew each time, so they are left out. */
  async function answered<R extends WrittenResult>(
    asker: Asker,
    purpose: ProcessingPurpose | undefined,
    document: string,
    run: (decision: DecidedOperation, context: object) => Promise<R>,
  ) {
    const { decision, context } = (await decided(asker, purpose, document)) ?? {};
    if (!decision || !context) return undefined;
    if (!('execute' in decision)) return { text: JSON.stringify(decision), isWritten: false, notes: [] };
    const { data, errors = [], extensions } = await run(decision, context);
    const isWritten = data instanceof JsonText;
    const text = isWritten ? data.text : JSON.stringify(data);
    const { governance } = extensions as NonNullable<GovernedResult['extensions']>;
    const notes = [...context.notes.subjects].map(({ subject }) => subject);
    return {
      isWritten,
      cursors: [...text.matchAll(/"(?:cursor|startCursor|endCursor)":"([\w-]{40,})"/g)].map(
        ([, cursor = '']) => cursor,
      ),
      text: text.replaceAll(/("(?:\w*_)?(?:cursor|startCursor|endCursor)":)"[\w-]{40,}"/g, '$1"cursor"'),
      errors: errors.map((error) => error.toJSON()),
      governance: { ...governance, withheld: [...governance.withheld], deidentified: [...governance.deidentified] },
      notes: [...new Set(notes)],
      bases: [...context.notes.transferBases].sort(),
    };
  }

  /** Rows of two kinds are read side by side: which come first, and are counted first, is not said. */
  const unordered = (one: NonNullable<Awaited<ReturnType<typeof answered>>>) => ({
    ...one,
    isWritten: undefined,
    cursors: undefined,
    errors: one.errors?.map((error) => JSON.stringify(error)).sort(),
    notes: [...one.notes].sort(),
    governance: one.governance && {
      ...one.governance,
      withheld: [...one.governance.withheld].sort(),
      deidentified: [...one.governance.deidentified].sort(),
    },
  });

  async function compared(asker: Asker, purpose: ProcessingPurpose | undefined, document: string) {
    const executed = await answered(asker, purpose, document, (one, contextValue) => one.execute({ contextValue }));
    const written = await answered(asker, purpose, document, (one, contextValue) => one.write({ contextValue }));
    if (!executed || !written) return undefined;
    expect({ asker, purpose, document, ...unordered(written) }).toEqual({
      asker,
      purpose,
      document,
      ...unordered(executed),
    });
    const { cursors: _, isWritten: __, ...inOrder } = written;
    const { cursors: ___, isWritten: ____, ...asExecuted } = executed;
    // Relations of one level are read side by side, so the order is a matter of chance where there are two.
    if (
      (document.match(/\b(orders|conversations|healthRecords|automatedDecisions|attributes|items|messages)\b/g) ?? [])
        .length < 2
    )
      if (!isDeepStrictEqual(inOrder, asExecuted) && !/\ba\d|z\d|__proto__\d/.test(document))
        expect({ document, ...inOrder }).toEqual({ document, ...asExecuted });
    return written;
  }

  const pages = [
    `{ customers(first: 20) { nodes { id externalId ipAddress residency createdAt gender source objections
      lastAutomatedDecisionAt orders(first: 1) { nodes { id placedAt total currency status items { name quantity } }
      pageInfo { hasNextPage startCursor endCursor } } same: orders(first: 1) { nodes { id items { name } } } }
      pageInfo { hasNextPage hasPreviousPage endCursor } } }`,
    `{ customers(first: 9, filter: {source: "shop"}) { edges { cursor node { __typename id source again: source email phone
      postalAddress { street city region postalCode country } conversations { edges { node { channel subject
      messages(first: 1) { nodes { id sentAt body } } } } } } } } }`,
    `{ customersByIdentifier(by: {email: "SHARED@example.com"}) { id email phone residency attributes { key value } } }`,
  ];

  test('an object without a field is an empty one, wherever it stands', async () => {
    const [one] = planted.ids;
    const documents = [
      `{ customer(id: "${one}") { id @skip(if: true) } }`,
      '{ customers(first: 9) { nodes { id @skip(if: true) } pageInfo { hasNextPage @include(if: false) } } }',
      '{ customers(first: 9) { edges { node { id @skip(if: true) } } nodes { attributes { key @skip(if: true) } } } }',
      '{ customers(first: 9) { edges { cursor @skip(if: true) } nodes { orders(first: 1) { nodes { id @skip(if: true) } } } } }',
    ];
    for (const document of documents) {
      const written = await compared({ role: 'CLIENT_ADMIN', client: 'acme' }, 'SERVICE_DELIVERY', document);
      expect({ document, isWritten: written?.isWritten }).toEqual({ document, isWritten: true });
      expect(JSON.parse(written?.text ?? '')).toBeDefined();
    }
  });

  test.each(pages)('for every purpose and caller, of people in every state: %s', async (document) => {
    const outcomes = { written: 0, withheld: 0, deidentified: 0, unnoted: 0 };
    for (const purpose of allPurposes) {
      for (const asker of askers.slice(0, 5)) {
        const written = await compared(asker, purpose, document);
        if (!written?.governance || (written.governance.withheld.length > 0 && written.text === 'null')) continue;
        if (written.isWritten) outcomes.written++;
        if (written.isWritten && written.governance.withheld.length > 0) outcomes.withheld++;
        if (written.isWritten && written.governance.deidentified.length > 0) outcomes.deidentified++;
        if (written.isWritten && written.notes.length < planted.ids.length) outcomes.unnoted++;
      }
    }
    expect(outcomes.written).toBeGreaterThan(5);
    expect(outcomes.unnoted).toBeGreaterThan(0);
    // A look-up finds nobody who withholds what it asks for.
    if (!document.includes('ByIdentifier')) expect(outcomes.withheld).toBeGreaterThan(1);
    if (document === pages[0]) expect(outcomes.deidentified).toBeGreaterThan(0);
  });

  test('what was written of a row is given again while its bytes and its rules are as they were', async () => {
    const { acme, ids } = planted;
    const id = ids[4] ?? '';
    const source = await app.stores.regions.of(acme);
    const set = (change: string) => source.query(`UPDATE customer SET ${change} WHERE id = ?`, [id]);
    const asker: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
    const document = `{ customer(id: "${id}") { id firstName email phone residency source } }`;
    const read = async () => {
      const answer = await compared(asker, 'SUPPORT', document);
      return `${answer?.text} ${JSON.stringify(answer?.errors)}`;
    };
    const first = await read();
    expect(first).toContain('p4@example.com');
    expect(await read()).toBe(first);
    await set("restriction = 'OBJECTION'");
    expect(await read()).not.toContain('p4@example.com');
    await set('restriction = NULL');
    expect(await read()).toBe(first);
    await set("source = 'another'");
    expect(await read()).toBe(first.replace('"desk"', '"another"').replace('"shop"', '"another"'));
    await set('sealed_name = sealed_contact');
    expect(await read()).toContain('"firstName":null');
    await app.stores.keys.destroySubjectKey(acme, id);
    expect(await read()).not.toContain('p4@example.com');
  });

  test(`equal those of the executor in ${numRuns} random operations`, async () => {
    const sdl = readFileSync(join(root, 'schema', 'remit.graphql'), 'utf8');
    const query = buildSchema(sdl).getQueryType() as GraphQLObjectType;
    const cursors: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9_999), { minLength: 60, maxLength: 200, size: 'max' }), async (choices) => {
        const tape = new Tape(choices);
        const asker = tape.chance(55) ? tape.pick(askers.slice(0, 2)) : tape.pick(askers);
        const purpose = tape.chance(3) ? undefined : tape.pick(allPurposes);
        const document = operation(tape, query, planted, cursors);
        const written = await compared(asker, purpose, document);
        seen.runs++;
        if (!written?.isWritten) return;
        seen.written++;
        if (written.governance?.withheld.length) seen.withheld++;
        if (written.governance?.deidentified.length) seen.deidentified++;
        if (written.errors?.length && written.notes.length > 0) seen.partly++;
        if (written.notes.length > 1) seen.subjects++;
        if (document.includes('a1') || document.includes('z1')) seen.several++;
        for (const cursor of written.cursors ?? []) if (cursors.length < 100) cursors.push(cursor);
        if (written.cursors?.length) seen.edges++;
      }),
      { numRuns, ...seed, endOnFailure: process.env.PROPERTY_SHRINK === undefined },
    );
    process.stdout.write(`${JSON.stringify(seen)}\n`);
    // They are worth their number only where many of them are written, and many reach every outcome.
    expect(seen.written).toBeGreaterThan(seen.runs / 6);
    if (numRuns < 500) return;
    for (const [what, times] of Object.entries(seen)) expect([what, times]).not.toEqual([what, 0]);
  }, 600_000);
});
