import { v7 as uuid } from 'uuid';
import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import { ClientUser } from '../../src/register/client-user';
import { Conversation, Message } from '../../src/subjects/related/conversation';
import { CustomAttribute } from '../../src/subjects/related/custom-attribute';
import { HealthRecord } from '../../src/subjects/related/health-record';
import { Order, OrderItem } from '../../src/subjects/related/order';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer, insertRows } from '../support/rows';
import { recordSql } from '../support/sql-log';

const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
const everything = `{ customers { nodes { id externalId
  orders { nodes { id placedAt currency total status items { name quantity unitPrice } } }
  conversations { nodes { id channel subject messages { nodes { id sentAt direction body } } } }
  healthRecords { nodes { id recordedAt kind note } }
  attributes { key value } } } }`;

type Nodes<T> = { readonly nodes: readonly T[] };
interface Person {
  readonly id: string;
  readonly externalId: string | null;
  readonly orders: Nodes<Record<string, unknown> & { readonly items: readonly object[] }>;
  readonly conversations: Nodes<Record<string, unknown> & { readonly messages: Nodes<object> }>;
  readonly healthRecords: Nodes<object> | null;
  readonly attributes: readonly object[];
}

/** A customer of whom everything is known, in values that name the person they are about. */
async function plant(app: TestApp, client: string, name: string): Promise<string> {
  const customerId = await insertCustomer(app, client, { firstName: name, externalId: `E-${name}`, residency: 'GB' });
  for (const n of [1, 2, 3]) {
    const orderId = uuid();
    const placedAt = new Date(`2026-0${n}-15T10:00:00Z`);
    const order = { id: orderId, customerId, placedAt, currency: 'EUR', total: n * 1_234.56, status: 'PAID' };
    await insertRows(app, client, Order, [order]);
    const items = [1, 2].map((m) => ({
      id: uuid(),
      customerId,
      orderId,
      name: `${name} item ${n}.${m}`,
      quantity: m,
      unitPrice: 19.99,
    }));
    await insertRows(app, client, OrderItem, items);
  }
  for (const n of [1, 2]) {
    const conversationId = uuid();
    await insertRows(app, client, Conversation, [
      { id: conversationId, customerId, channel: 'EMAIL', subject: `${name} subject ${n}` },
    ]);
    const messages = [1, 2, 3].map((m) => ({
      id: uuid(),
      customerId,
      conversationId,
      sentAt: new Date(Date.UTC(2026, n, m)),
      direction: 'INBOUND',
      body: `${name} body ${n}.${m}`,
    }));
    await insertRows(app, client, Message, messages);
  }
  await insertRows(app, client, HealthRecord, [
    { id: uuid(), customerId, recordedAt: new Date('2026-04-01'), kind: `${name} kind`, note: `${name} note` },
  ]);
  await insertRows(
    app,
    client,
    CustomAttribute,
    ['plan', 'tier'].map((key) => ({ id: uuid(), customerId, key, value: `${name} ${key}` })),
  );
  return customerId;
}

describe.each(databases)('records of customers on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;
  let globex: string;
  let ids: string[];
  const names = ['Adalovelace', 'Beatrixpotter', 'Cydcharisse'];

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    acme = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    globex = (await app.services.clients.register({ slug: 'globex', name: 'Globex' }, 'test')).id;
    for (const client of [acme, globex])
      await app.services.clients.sign(client, { kind: 'HEALTH', version: '1' }, 'test');
    ids = [];
    for (const name of names) ids.push(await plant(app, acme, name));
    await plant(app, globex, 'Eve');
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const ask = async (asker: Asker, purpose: ProcessingPurpose, document = everything, variables = {}) => {
    const { data, errors } = await app.ask(asker, purpose, document, variables);
    const people = ((data?.customers as Nodes<Person> | null)?.nodes ?? []) as readonly Person[];
    return { data, errors: errors ?? [], people };
  };

  test('each customer has their own, and nobody else’s', async () => {
    const { people, errors } = await ask(agent, 'SUPPORT');
    expect(errors).toEqual([]);
    expect(people.map(({ id }) => id)).toEqual(ids);
    people.forEach((person, index) => {
      const name = names[index];
      expect(person.orders.nodes.map(({ total }) => total)).toEqual([3_703.68, 2_469.12, 1_234.56]);
      expect(person.orders.nodes[0]).toMatchObject({
        placedAt: '2026-03-15T10:00:00.000Z',
        currency: 'EUR',
        status: 'PAID',
        items: [
          { name: `${name} item 3.1`, quantity: 1, unitPrice: 19.99 },
          { name: `${name} item 3.2`, quantity: 2, unitPrice: 19.99 },
        ],
      });
      expect(person.conversations.nodes.map(({ subject }) => subject)).toEqual([
        `${name} subject 2`,
        `${name} subject 1`,
      ]);
      expect(person.conversations.nodes[1]?.messages.nodes).toMatchObject(
        [1, 2, 3].map((m) => ({
          body: `${name} body 1.${m}`,
          sentAt: `2026-02-0${m}T00:00:00.000Z`,
          direction: 'INBOUND',
        })),
      );
      expect(person.healthRecords?.nodes).toMatchObject([{ kind: `${name} kind`, note: `${name} note` }]);
      expect(person.attributes).toEqual(['plan', 'tier'].map((key) => ({ key, value: `${name} ${key}` })));
    });
    expect(JSON.stringify(people)).not.toContain('Eve');
  });

  test('one person met twice in a request has their rows twice, not doubled', async () => {
    const [id = ''] = ids;
    const document = `query ($id: ID!) {
      a: customer(id: $id) { orders { nodes { total items { quantity } } } attributes { key } }
      b: customer(id: $id) { orders { nodes { total items { quantity } } } attributes { key } } }`;
    const { data, errors } = await app.ask(agent, 'SUPPORT', document, { id });
    expect(errors).toBeUndefined();
    const { a, b } = data as Record<'a' | 'b', { orders: Nodes<{ items: object[] }>; attributes: object[] }>;
    expect(a).toEqual(b);
    expect([a.orders.nodes.length, a.orders.nodes[0]?.items.length, a.attributes.length]).toEqual([3, 2, 2]);
  });

  test('the number of statements does not grow with the number of customers', async () => {
    const log = recordSql(app.stores.regions.home);
    const keysLog = recordSql(app.stores.keysSource);
    const count = async (first: number) => {
      log.take();
      keysLog.take();
      await ask(agent, 'SUPPORT', everything.replace('customers {', `customers(first: ${first}) {`));
      return log.take().length;
    };
    const one = await count(1);
    expect(await count(3)).toBe(one);
    // The version, customers, orders, items, conversations, messages, health records, attributes.
    expect(one).toBe(8);
    expect(keysLog.take().length).toBeLessThanOrEqual(2);
  });

  describe('pages', () => {
    const orders = `query ($id: ID!, $first: Int, $after: String) { customer(id: $id) {
      page: orders(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
    const messages = `query ($id: ID!, $first: Int, $after: String) { customer(id: $id) { conversations(first: 1) { nodes {
      page: messages(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } } }`;
    interface Page {
      edges: Array<{ cursor: string; node: { id: string } }>;
      pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null };
    }
    const read = async (document: string, variables: object, asker = agent, purpose: ProcessingPurpose = 'SUPPORT') => {
      const { data, errors } = await app.ask(asker, purpose, document, { id: ids[0], ...variables });
      const customer = data?.customer as { page?: Page; conversations?: Nodes<{ page: Page }> } | null | undefined;
      const page = customer?.page ?? customer?.conversations?.nodes[0]?.page;
      return { page: page as Page, code: errors?.[0]?.extensions.code, text: JSON.stringify(errors ?? []) };
    };

    test.each([
      ['newest first', orders],
      ['oldest first', messages],
    ])('follow one another, %s', async (order, document) => {
      const whole = (await read(document, {})).page.edges.map(({ node }) => node.id);
      expect(whole).toHaveLength(3);
      expect([...whole].sort()).toEqual(order === 'oldest first' ? whole : [...whole].reverse());
      const seen: string[] = [];
      const flags: boolean[][] = [];
      for (let after: string | null = null, turn = 0; turn < 5; turn++) {
        const { page }: { page: Page } = await read(document, { first: 1, after });
        seen.push(...page.edges.map(({ node }) => node.id));
        flags.push([page.pageInfo.hasPreviousPage, page.pageInfo.hasNextPage]);
        after = page.pageInfo.endCursor;
        if (!page.pageInfo.hasNextPage) break;
      }
      expect(seen).toEqual(whole);
      expect(flags).toEqual([
        [false, true],
        [true, true],
        [true, false],
      ]);
    });

    test('have cursors that tell nothing of the row, and are never the same twice', async () => {
      for (const document of [orders, messages]) {
        const [first, again] = [(await read(document, {})).page, (await read(document, {})).page];
        first.edges.forEach(({ cursor, node }, index) => {
          expect(cursor).not.toBe(again.edges[index]?.cursor);
          const bytes = Buffer.from(cursor, 'base64url');
          for (const id of [node.id, node.id.replaceAll('-', '')]) {
            expect(bytes.toString('latin1')).not.toContain(id);
            expect(bytes.includes(Buffer.from(id.replaceAll('-', ''), 'hex'))).toBe(false);
          }
        });
      }
    });

    test('take no cursor that was altered, made up, or is another client’s', async () => {
      const { page } = await read(orders, { first: 1 });
      const cursor = page.edges[0]?.cursor ?? '';
      const flipped = Buffer.from(cursor, 'base64url');
      flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
      const odd = [
        '',
        'x',
        `${cursor}=`,
        cursor.slice(0, -1),
        flipped.toString('base64url'),
        Buffer.from(ids[0] ?? '').toString('base64'),
      ];
      for (const document of [orders, messages]) {
        for (const after of odd) {
          const refused = await read(document, { after });
          expect(refused.code).toBe('BAD_USER_INPUT');
          if (after !== '' && after !== 'x') expect(refused.text).not.toContain(after);
        }
      }
      const list = 'query ($after: String) { customers(after: $after) { edges { cursor } } }';
      const own = (await app.ask(agent, 'SUPPORT', list)).data?.customers as { edges: Array<{ cursor: string }> };
      const stranger: Asker = { role: 'CLIENT_AGENT', client: 'globex' };
      const theirs = await app.ask(stranger, 'SUPPORT', list, { after: own.edges[0]?.cursor });
      expect(theirs.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
      expect((await app.ask(agent, 'SUPPORT', list, { after: own.edges[0]?.cursor })).errors).toBeUndefined();
    });

    test.each([{ first: -1 }, { first: 501 }])('refuse %j', async (variables) => {
      expect((await read(orders, variables)).code).toBe('BAD_USER_INPUT');
      expect((await read(messages, variables)).code).toBe('BAD_USER_INPUT');
    });
  });

  test('IMPROVEMENT counts in ranges and years, and reads no words', async () => {
    const { people, errors } = await ask(agent, 'IMPROVEMENT');
    expect(people).toHaveLength(3);
    const pseudonym = expect.stringMatching(/^p_[\w-]{22}$/);
    for (const person of people) {
      expect(person).toMatchObject({ id: pseudonym, externalId: pseudonym, healthRecords: null });
      expect(person.orders.nodes.map(({ total }) => total)).toEqual([2_000, 2_000, 1_000]);
      expect(person.orders.nodes[0]).toEqual({
        id: pseudonym,
        placedAt: '2026-01-01T00:00:00.000Z',
        currency: 'EUR',
        total: 2_000,
        status: 'PAID',
        items: [
          { name: null, quantity: 1, unitPrice: 10 },
          { name: null, quantity: 2, unitPrice: 10 },
        ],
      });
      expect(person).toMatchObject({ attributes: null, conversations: null });
    }
    expect(JSON.stringify([people, errors])).not.toMatch(/Adalovelace|Beatrixpotter|Cydcharisse|INBOUND/);
    for (const id of ids) expect(JSON.stringify([people, errors])).not.toContain(id);
    const health = errors.find(({ extensions }) => extensions.coordinate === 'Customer.healthRecords');
    expect(health?.extensions).toMatchObject({ code: 'PURPOSE_NOT_PERMITTED', rows: 3 });
  });

  test('rows about a restricted person are withheld with them, for every purpose but LEGAL', async () => {
    const [id = ''] = ids;
    await app.services.customers.setRestriction(acme, id, 'ACCURACY_CONTESTED', 'test');
    for (const purpose of ['SUPPORT', 'SERVICE_DELIVERY', 'IMPROVEMENT', 'SECURITY'] as const) {
      const { people, errors } = await ask(agent, purpose);
      const text = JSON.stringify(people[0]).replace(/p_[\w-]{22}/g, '');
      expect(text).not.toMatch(/Adalovelace|EUR|PAID|2026|EMAIL|INBOUND|\d\.\d/);
      expect(text).not.toContain(id);
      const codes = errors.filter(({ extensions }) => extensions.coordinate === 'Customer.id');
      expect(codes.map(({ extensions }) => [extensions.code, extensions.rows])).toEqual([['PROCESSING_RESTRICTED', 1]]);
    }
    const { people } = await ask(agent, 'SUPPORT');
    expect(JSON.stringify(people[1])).toMatch(
      /Beatrixpotter item 3\.1.*Beatrixpotter body 2\.1.*Beatrixpotter note.*plan/,
    );
    const legal = await ask(admin, 'LEGAL');
    expect(JSON.stringify(legal.people[0])).toMatch(
      /Adalovelace item 3\.1.*Adalovelace body 2\.1.*Adalovelace note.*plan/,
    );
    await app.services.customers.setRestriction(acme, id, null, 'test');
    expect(JSON.stringify((await ask(agent, 'SUPPORT')).people[0])).toContain('Adalovelace plan');
  });

  describe('pitfall 24: pseudonyms', () => {
    const document = '{ customers(first: 100) { nodes { id email externalId orders { nodes { id } } } } }';
    type Node = { id: string; email: string | null; externalId: string | null; orders: Nodes<{ id: string }> };
    const pseudonyms = async (client: string) => {
      const { data } = await app.ask({ ...agent, client }, 'IMPROVEMENT', document);
      return (data as { customers: Nodes<Node> }).customers.nodes;
    };

    test('attack S13: one text is another in another field, of a customer and of a client user', async () => {
      const text = 'same@example.net';
      const added = await insertCustomer(app, acme, { email: text, externalId: text, phone: text, residency: 'DE' });
      const source = await app.stores.regions.of(acme);
      const user = uuid();
      await app.stores.keys.createSubjectKeys(acme, [user]);
      await insertRows(app, acme, ClientUser, [{ id: user, name: 'x', email: text, role: 'ADMIN' }]);
      const document = `{ client { users { nodes { email } } }
        customers(filter: { residency: "DE" }, first: 500) { nodes { email externalId phone } } }`;
      const { data } = await app.ask({ ...agent, client: 'acme' }, 'IMPROVEMENT', document);
      const given = JSON.stringify(data).match(/p_[\w-]{22}/g) ?? [];
      expect(given.length).toBeGreaterThanOrEqual(4);
      expect(new Set(given).size).toBe(given.length);
      await source.query('DELETE FROM customer WHERE id = ?', [added]);
      await source.query('DELETE FROM client_user WHERE id = ?', [user]);
    });

    test('differ across clients, are stable within one, and are neither the value nor its blind index', async () => {
      const email = 'same@example.org';
      const added = [await insertCustomer(app, acme, { email }), await insertCustomer(app, acme, { email })];
      await insertCustomer(app, globex, { email });
      const [mine, again, theirs] = [await pseudonyms('acme'), await pseudonyms('acme'), await pseudonyms('globex')];
      expect(mine).toEqual(again);
      const own = mine.flatMap((node) => node.email ?? []);
      const other = theirs.flatMap((node) => node.email ?? []);
      expect([own.length, new Set(own).size, other.length]).toEqual([2, 1, 1]);
      expect(own[0]).not.toBe(other[0]);
      expect(new Set(mine.map(({ id }) => id)).size).toBe(mine.length);

      const kept = await app.stores.regions.home.query<Array<Record<string, string | null>>>(
        'SELECT id, email_index, external_id_index FROM customer',
      );
      const secrets = kept.flatMap((row) => Object.values(row)).filter((value) => value !== null);
      const given = [mine, theirs]
        .flat()
        .flatMap(({ id, email: e, externalId: x, orders }) => [id, e, x, ...orders.nodes.map((o) => o.id)]);
      for (const pseudonym of given.filter((value) => value !== null)) {
        const bare = String(pseudonym).slice(2);
        expect(secrets.some((secret) => secret === pseudonym || secret.includes(bare) || bare.includes(secret))).toBe(
          false,
        );
      }
      for (const id of added) await app.stores.regions.home.query('DELETE FROM customer WHERE id = ?', [id]);
    });
  });

  test('operations of one request with different decisions do not share what was read', async () => {
    const context = await app.services.accessService.contextFor(
      {
        subject: 'lee',
        tenant: 'acme',
        roles: ['CLIENT_AGENT'],
        scopes: [],
        purposes: ['SUPPORT', 'IMPROVEMENT'],
        country: 'DE',
      },
      undefined,
    );
    const run = (purpose: string) =>
      app.contracts.api.execute({
        document: `query @purpose(is: ${purpose}) { customers { nodes { attributes { key value } } } }`,
        contextValue: { ...context },
        access: context.access,
      });
    const [improving, supporting] = await Promise.all([run('IMPROVEMENT'), run('SUPPORT')]);
    expect(JSON.stringify(improving)).not.toContain('Adalovelace');
    expect(JSON.stringify(supporting)).toContain('Adalovelace plan');
  });
});
