import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { blindIndex } from '../../src/keys/blind-index';
import { inTransaction } from '../../src/storage/transaction';
import { Customer } from '../../src/subjects/customer';
import { CustomAttribute } from '../../src/subjects/related/custom-attribute';
import { HealthRecord } from '../../src/subjects/related/health-record';
import { Order, OrderItem } from '../../src/subjects/related/order';
import type { Condition } from '../../src/tenancy/conditions';
import { type Row, TenantReader } from '../../src/tenancy/tenant-reader';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer, insertRows } from '../support/rows';
import { recordSql, type SqlLog } from '../support/sql-log';

describe.each(databases)('reading rows of a client on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let source: DataSource;
  let reader: TenantReader;
  let sql: SqlLog;
  let acme: string;
  let globex: string;
  let ada: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    source = app.stores.regions.home;
    reader = new TenantReader(source, app.stores.keys);
    acme = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    globex = (await app.services.clients.register({ slug: 'globex', name: 'Globex' }, 'test')).id;
    ada = await insertCustomer(app, acme, {
      firstName: 'Ada',
      lastName: 'Lovelace',
      email: 'ada@example.org',
      gender: 'female',
      residency: 'GB',
    });
    await insertCustomer(app, globex, { firstName: 'Eve', lastName: 'Stranger', residency: 'GB' });
    sql = recordSql(source);
  });
  beforeEach(() => sql.take());
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const select = (where: readonly Condition[], fields = ['residency'], client = acme) =>
    reader.select(Customer, { client, fields, where, orderBy: [{ field: 'id' }] });

  describe('pitfall 23: the client is part of every select', () => {
    test('whatever else is asked, each statement begins its predicate with the client', async () => {
      await select([]);
      await select([{ field: 'residency', is: '=', value: 'GB' }]);
      await select([{ field: 'id', is: 'in', value: [ada, uuid()] }]);
      await select([{ index: 'email', is: '=', value: 'x' }]);
      await reader.count(Customer, acme, [{ field: 'createdAt', is: '>', value: 0 }]);
      const statements = sql.take();
      expect(statements).toHaveLength(5);
      for (const { sql: text, parameters } of statements) {
        expect(text).toMatch(/ WHERE `client_id` = \?( AND `\w+` (=|>|IN) |$| ORDER BY)/);
        expect(text).not.toMatch(/\bOR\b/);
        expect(parameters[0]).toBe(acme);
      }
      await reader.selectEach(Order, { client: acme, fields: ['total'], limit: 2 }, ['customerId'], [[ada], [uuid()]]);
      const [together] = sql.take();
      expect(together?.sql).toMatch(/WHERE `client_id` = \? AND `customer_id` IN \(\?, \?\) LIMIT 17$/);
      expect(together?.parameters[0]).toBe(acme);
    });

    test.each([undefined, null, '', Number.NaN, Number.POSITIVE_INFINITY, {}, [], true])(
      'a condition on %p is refused before it reaches SQL',
      async (nothing) => {
        const value = nothing as unknown as string;
        await expect(select([{ field: 'residency', is: '=', value }])).rejects.toThrow(/compared with no value/);
        await expect(select([{ field: 'id', is: 'in', value: [ada, value] }])).rejects.toThrow(
          /compared with no value/,
        );
        await expect(select([{ index: 'email', is: '=', value }])).rejects.toThrow(/compared with no value/);
        await expect(reader.count(Customer, acme, [{ field: 'id', is: '>', value }])).rejects.toThrow();
        await expect(reader.select(Customer, { client: value, fields: [] })).rejects.toThrow(/compared with no value/);
        expect(sql.take()).toEqual([]);
      },
    );

    test('nothing but known columns and operators becomes SQL', async () => {
      const odd = [
        { field: 'id` OR 1 = 1 -- ', is: '=', value: 'x' },
        { field: 'firstName', is: '=', value: 'Ada' },
        { index: 'firstName', is: '=', value: 'x' },
        { field: 'id', is: '<> ? OR 1 =', value: 'x' },
        { field: 'id', is: undefined, value: 'x' },
        { is: '=', value: 'x' },
      ] as unknown as Condition[];
      for (const condition of odd) await expect(select([condition])).rejects.toThrow(/customer/);
      await expect(
        reader.select(Customer, { client: acme, fields: [], orderBy: [{ field: 'sealed_name' }] }),
      ).rejects.toThrow();
      for (const limit of [-1, 1.5, Number.NaN, '1; DROP TABLE customer' as unknown as number]) {
        await expect(reader.select(Customer, { client: acme, fields: [], limit })).rejects.toThrow('whole number');
      }
      expect(sql.take()).toEqual([]);
    });

    test('a list of nothing matches nothing', async () => {
      expect(await select([{ field: 'id', is: 'in', value: [] }])).toEqual([]);
      expect(await reader.count(Customer, acme, [{ field: 'id', is: 'in', value: [] }])).toBe(0);
    });

    test('values that look like SQL are values', async () => {
      expect(await select([{ field: 'residency', is: '=', value: "' OR 1=1 -- " }])).toEqual([]);
      expect(await select([{ field: 'residency', is: '=', value: 'GB' }])).toHaveLength(1);
      expect(await reader.count(Customer, globex)).toBe(1);
    });

    test.each(['é', '名前', 'x'.repeat(5_000), "\u0000'"])(
      'an id that cannot be one matches nothing: %p',
      async (odd) => {
        expect(await select([{ field: 'id', is: '=', value: odd }])).toEqual([]);
        expect(await select([{ index: 'email', is: '=', value: odd }])).toEqual([]);
        expect(await select([{ field: 'id', is: 'in', value: [odd, ada] }])).toHaveLength(1);
      },
    );

    test('more values than an engine takes parameters are read in parts, in order, once each', async () => {
      const strangers = Array.from({ length: 40_000 }, () => uuid());
      const value = [...strangers.slice(0, 20_000), ada, ...strangers.slice(20_000), ada];
      expect((await select([{ field: 'id', is: 'in', value }])).map(({ id }) => id)).toEqual([ada]);
      expect(await reader.count(Customer, acme, [{ field: 'id', is: 'in', value }])).toBe(1);
      expect(sql.take().every(({ parameters }) => parameters.length <= 32_766)).toBe(true);
    });
  });

  describe('columns come by permission', () => {
    test('what is not asked for is not in the SQL, nor what shares no category with it', async () => {
      const [row] = await select([], ['firstName', 'residency']);
      const [statement] = sql.take();
      expect(statement?.sql.slice(0, statement.sql.indexOf(' FROM '))).toBe(
        'SELECT `client_id`, `id`, `residency`, `sealed_name`',
      );
      expect(row).toEqual({ clientId: acme, id: ada, residency: 'GB', firstName: 'Ada' });
    });

    test('fields that are no columns, or another type’s, are left out', async () => {
      const [row] = await select([], ['orders', '__typename', 'postalAddress.street', 'nonsense']);
      expect(row).toEqual({ clientId: acme, id: ada });
    });

    test('for a purpose that may not read it, a category is not in any statement', async () => {
      const document = '{ customers { nodes { firstName gender residency healthRecords { nodes { note } } } } }';
      const agent = { role: 'CLIENT_AGENT', client: 'acme' } as const;
      await app.ask(agent, 'IMPROVEMENT', document);
      const texts = sql.take().map(({ sql: text }) => text);
      expect(texts.some((text) => text.includes('FROM `customer`'))).toBe(true);
      expect(texts.join('\n')).not.toMatch(/sealed_|health_record/);
      await app.ask(agent, 'SUPPORT', document);
      const read = sql.take().map(({ sql: text }) => text);
      expect(read.join('\n')).toMatch(/sealed_name.*sealed_demographic/);
      expect(read.join('\n')).not.toMatch(/health/);
    });
  });

  describe('sealed bytes that were moved do not open', () => {
    const column = async (table: string, name: string, id: string): Promise<Buffer> => {
      const [row] = await source.query<Row[]>(`SELECT ${name} AS sealed FROM ${table} WHERE id = ?`, [id]);
      return row?.sealed as Buffer;
    };
    const put = (table: string, name: string, id: string, bytes: Buffer) =>
      source.query(`UPDATE ${table} SET ${name} = ? WHERE id = ?`, [bytes, id]);

    test.each(['row', 'client', 'category', 'table', 'altered'] as const)(
      '%s: null, told inside, the page stands',
      async (where) => {
        const victim = await insertCustomer(app, acme, { firstName: 'VICTIM-CANARY', gender: 'GENDER-CANARY' });
        const thief = await insertCustomer(app, where === 'client' ? globex : acme, {
          firstName: 'Thief',
          lastName: 'T',
        });
        const from = await column('customer', where === 'category' ? 'sealed_demographic' : 'sealed_name', victim);
        if (where === 'category') await put('customer', 'sealed_name', victim, from);
        else if (where === 'table') {
          const record = uuid();
          await insertRows(app, acme, HealthRecord, [{ id: record, customerId: victim, note: 'HEALTH-CANARY' }]);
          await put('customer', 'sealed_name', victim, await column('health_record', 'sealed_health', record));
        } else if (where === 'altered') {
          from[20] = (from[20] ?? 0) ^ 1;
          await put('customer', 'sealed_name', victim, from);
        } else await put('customer', 'sealed_name', thief, from);
        const broken = where === 'row' || where === 'client' ? thief : victim;

        const client = where === 'client' ? 'globex' : 'acme';
        const before = app.internalErrors.length;
        const result = await app.ask(
          { role: 'CLIENT_AGENT', client },
          'SUPPORT',
          'query ($id: ID!) { customer(id: $id) { id firstName residency } others: customers { nodes { id residency } } }',
          { id: broken },
        );
        expect(result.data).toMatchObject({
          customer: { id: broken, firstName: null },
          others: { nodes: expect.arrayContaining([expect.objectContaining({ id: broken })]) },
        });
        expect(result.errors).toEqual([
          expect.objectContaining({ path: ['customer', 'firstName'], message: 'Internal server error' }),
        ]);
        expect(app.internalErrors).toHaveLength(before + 1);
        const told = JSON.stringify([result, String(app.internalErrors.at(-1))]);
        expect(told).toMatch(/NAME of a row does not open/);
        expect(told).not.toMatch(/CANARY/);
        for (const id of [victim, thief]) await source.query('DELETE FROM customer WHERE id = ?', [id]);
      },
    );

    test('a purpose that sees only a de-identified form is given nothing of it either', async () => {
      const victim = await insertCustomer(app, acme, { email: 'victim@example.org' });
      const other = await insertCustomer(app, acme, { email: 'other@example.org' });
      await put('customer', 'sealed_contact', other, await column('customer', 'sealed_contact', victim));
      const document = '{ customers { nodes { email } } }';
      const { data } = await app.ask({ role: 'CLIENT_AGENT', client: 'acme' }, 'IMPROVEMENT', document);
      const emails = (data as { customers: { nodes: Array<{ email: string | null }> } }).customers.nodes;
      expect(emails.map(({ email }) => email?.slice(0, 2) ?? null)).toEqual(['p_', 'p_', null]);
      for (const id of [victim, other]) await source.query('DELETE FROM customer WHERE id = ?', [id]);
    });
  });

  test('after a subject’s key is destroyed, what was sealed is null and what is plain remains', async () => {
    const id = await insertCustomer(app, acme, { firstName: 'Gone', email: 'gone@example.org', residency: 'FR' });
    await app.stores.keys.destroySubjectKey(acme, id);
    const [row] = await select([{ field: 'id', is: '=', value: id }], ['firstName', 'email', 'residency']);
    expect(row).toMatchObject({ firstName: null, email: null, residency: 'FR' });
  });

  describe('what was opened is remembered with its key', () => {
    const address = { street: 'Main Street 1', city: 'London', country: 'GB' };
    let person: string;
    const read = async (from = reader) => {
      const [row] = await from.select(Customer, {
        client: acme,
        fields: ['lastName', 'email', 'postalAddress'],
        where: [{ field: 'id', is: '=', value: person }],
      });
      return row;
    };
    const sealedOf = async (column: string): Promise<Buffer> => {
      const [row] = await source.query<Array<{ sealed: Buffer }>>(
        `SELECT ${column} AS sealed FROM customer WHERE client_id = ? AND id = ?`,
        [acme, person],
      );
      return row?.sealed as Buffer;
    };
    const overwrite = (column: string, sealed: Buffer) =>
      source.query(`UPDATE customer SET ${column} = ? WHERE client_id = ? AND id = ?`, [sealed, acme, person]);

    beforeEach(async () => {
      person = await insertCustomer(app, acme, { lastName: 'Byron', email: 'b@example.org', postalAddress: address });
      await read();
    });

    test('what is in the row counts: changed bytes are opened anew, altered ones not at all', async () => {
      const name = await sealedOf('sealed_name');
      await inTransaction(source, (manager) =>
        new TenantWriter(manager, app.stores.keys).update(Customer, acme, { id: person }, { lastName: 'King' }),
      );
      expect(await read()).toMatchObject({ lastName: 'King' });
      await overwrite('sealed_name', name);
      expect(await read()).toMatchObject({ lastName: 'Byron' });
      name[name.length - 20] = (name[name.length - 20] ?? 0) ^ 1;
      await overwrite('sealed_name', name);
      const altered = await read();
      expect(altered?.lastName).toBeInstanceOf(Error);
      expect(altered?.email).toBe('b@example.org');
    });

    test('bytes of another category or another person do not open, remembered or not', async () => {
      await overwrite('sealed_name', await sealedOf('sealed_contact'));
      expect((await read())?.lastName).toBeInstanceOf(Error);
      const mine = await sealedOf('sealed_contact');
      person = ada;
      const hers = await sealedOf('sealed_contact');
      await read();
      await overwrite('sealed_contact', mine);
      expect((await read())?.email).toBeInstanceOf(Error);
      await overwrite('sealed_contact', hers);
      expect(await read()).toMatchObject({ email: 'ada@example.org' });
    });

    test('each request has objects of its own', async () => {
      const [one, other] = [await read(), await read()];
      expect(one?.postalAddress).toEqual(address);
      (one?.postalAddress as Row).city = 'Paris';
      expect(other?.postalAddress).toEqual(address);
      expect((await read())?.postalAddress).toEqual(address);
    });

    test('nothing of it is given once the key is destroyed', async () => {
      await app.stores.keys.destroySubjectKey(acme, person);
      expect(await read()).toMatchObject({ lastName: null, email: null, postalAddress: null });
    });
  });

  test('a blind index finds by its digest, one or several', async () => {
    const key = await app.stores.keys.derivedKey(acme, 'blind-index');
    const digest = blindIndex(key, { kind: 'email', value: 'ADA@example.org' }) ?? '';
    expect(await select([{ index: 'email', is: '=', value: digest }])).toMatchObject([{ id: ada }]);
    expect(await select([{ index: 'email', is: 'in', value: ['absent', digest] }])).toMatchObject([{ id: ada }]);
    expect(await select([{ index: 'email', is: '=', value: digest }], [], globex)).toEqual([]);
  });

  test('amounts, counts and moments come back as they went in', async () => {
    const orderId = uuid();
    const customerId = await insertCustomer(app, acme);
    const placedAt = new Date('1969-12-31T23:59:59.999Z');
    await insertRows(app, acme, Order, [{ id: orderId, customerId, placedAt, total: 1_234_567.8912, currency: 'EUR' }]);
    const prices = [0, 0.1, 0.0001, -5.05, 19.99, 900_000_000.1234];
    const items = prices.map((unitPrice) => ({
      id: uuid(),
      customerId,
      orderId,
      unitPrice,
      quantity: 3,
      name: 'Thing',
    }));
    await insertRows(app, acme, OrderItem, items);
    const [order] = await reader.select(Order, { client: acme, fields: ['placedAt', 'total', 'status'] });
    expect(order).toMatchObject({ placedAt, total: 1_234_567.8912, status: null });
    const read = await reader.select(OrderItem, {
      client: acme,
      fields: ['unitPrice', 'quantity', 'name'],
      orderBy: [{ field: 'id' }],
    });
    expect(read.map(({ unitPrice }) => unitPrice)).toEqual(prices);
    expect(read.every(({ quantity, name }) => quantity === 3 && name === 'Thing')).toBe(true);
  });

  describe('for each parent its own rows', () => {
    const by = ['customerId'];
    const keys = ['a', 'B', 'c', 'D', 'e'];

    const parentsWith = async (rowsOfEach: readonly string[]): Promise<[string, string]> => {
      const parents: [string, string] = [await insertCustomer(app, globex), await insertCustomer(app, globex)];
      for (const customerId of parents) {
        const rows = rowsOfEach.map((key) => ({ id: key, customerId, key, value: `${key}!` }));
        await insertRows(app, globex, CustomAttribute, rows);
      }
      sql.take();
      return parents;
    };
    const fields = new Set(['key', 'value']);
    const read = async (parents: readonly string[], limit: number, descending: boolean) => {
      const selection = { client: globex, fields, limit, orderBy: [{ field: 'id', descending }] };
      const rows = await reader.selectEach(
        CustomAttribute,
        selection,
        by,
        parents.map((parent) => [parent]),
      );
      return rows.map((group) => group.map(({ customerId, key, value }) => [customerId, `${key}=${value}`]));
    };

    test('limit and order hold per parent; a parent named twice is read once', async () => {
      const [first, second] = await parentsWith(keys);
      // By bytes: capitals first, on every engine.
      const ascending = (id: string) => ['B=B!', 'D=D!', 'a=a!'].map((text) => [id, text]);
      const descending = (id: string) => ['e=e!', 'c=c!', 'a=a!'].map((text) => [id, text]);
      expect(await read([first, second, second], 3, false)).toEqual([
        ascending(first),
        ascending(second),
        ascending(second),
      ]);
      expect(sql.take()).toHaveLength(1);
      expect(await read([second, first, uuid()], 3, true)).toEqual([descending(second), descending(first), []]);
    });

    test('parents with far more rows than are wanted are read by one range each', async () => {
      const many = Array.from({ length: 12 }, (_, index) => `k${String(index).padStart(2, '0')}`);
      const [first, second] = await parentsWith(many);
      expect(await read([first, second], 1, true)).toEqual([[[first, 'k11=k11!']], [[second, 'k11=k11!']]]);
      const [together, each] = sql.take();
      expect(together?.sql).toMatch(/ LIMIT 9$/);
      expect(each?.sql.match(/ `client_id` = \? AND `customer_id` = \? ORDER BY `id` DESC LIMIT 1\)/g)).toHaveLength(2);
    });

    test('a page of parents is read as one range, until too many rows in it are of others', async () => {
      const page: string[] = [];
      for (let index = 0; index < 15; index++) page.push(...(await parentsWith(['a', 'b'])));
      const all = (id: string) => ['a=a!', 'b=b!'].map((text) => [id, text]);
      const last10 = page.slice(-10).reverse();
      expect(await read(last10, 3, false)).toEqual(last10.map(all));
      expect(sql.take().map((one) => /`customer_id` >= \? AND `customer_id` <= \?/.test(one.sql))).toEqual([true]);
      // Most people between are left out.
      const sparse = page.filter((_, index) => index % 5 === 0);
      expect(await read(sparse, 3, false)).toEqual(sparse.map(all));
      expect(sql.take()).toHaveLength(1);
      expect(await read(sparse, 3, false)).toEqual(sparse.map(all));
      expect(sql.take().map((one) => /`customer_id` IN \(/.test(one.sql))).toEqual([true]);
    });

    test('a row is tied to its parent by every column of the tie', async () => {
      const customerId = await insertCustomer(app, globex);
      const item = (orderId: string, name: string) => ({ customerId, orderId, id: uuid(), name });
      const [one, another] = [uuid(), uuid()];
      await insertRows(app, globex, OrderItem, [item(one, 'mine'), item(another, 'other')]);
      const stranger = uuid();
      const rows = await reader.selectEach(
        OrderItem,
        { client: globex, fields: ['name'], limit: 5 },
        ['customerId', 'orderId'],
        [
          [customerId, one],
          [stranger, another],
        ],
      );
      expect(rows.map((group) => group.map(({ name }) => name))).toEqual([['mine'], []]);
    });

    test('nothing of another client, and nothing for no parents', async () => {
      const customerId = await insertCustomer(app, globex);
      await insertRows(app, globex, CustomAttribute, [{ id: uuid(), customerId, key: 'k', value: 'v' }]);
      const selection = { client: acme, fields: ['key'], orderBy: [{ field: 'id' }], limit: 9 };
      expect(await reader.selectEach(CustomAttribute, selection, by, [[customerId]])).toEqual([[]]);
      sql.take();
      expect(await reader.selectEach(CustomAttribute, selection, by, [])).toEqual([]);
      expect(sql.take()).toEqual([]);
    });

    test('as many parents as a page may have, and more', async () => {
      const customerId = await insertCustomer(app, globex);
      await insertRows(app, globex, CustomAttribute, [{ id: uuid(), customerId, key: 'k', value: 'v' }]);
      const parents = [...Array.from({ length: 1_200 }, () => [uuid()]), [customerId]];
      sql.take();
      const rows = await reader.selectEach(
        CustomAttribute,
        { client: globex, fields: ['key', 'value'], orderBy: [{ field: 'id' }], limit: 1_000 },
        by,
        parents,
      );
      expect(rows).toHaveLength(1_201);
      expect(rows.flat()).toMatchObject([{ key: 'k', value: 'v' }]);
      expect(rows.at(-1)).toHaveLength(1);
      const taken = sql.take();
      expect(taken).toHaveLength(5);
      // Vitess gives 10,000 rows for one statement by default.
      for (const { sql: text } of taken) expect(text).toMatch(/ LIMIT 10000$/);
    });
  });
});
