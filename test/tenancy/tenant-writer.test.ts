import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { blindIndex } from '../../src/keys/blind-index';
import { decidedRow } from '../../src/storage/decided-row';
import { committed, inTransaction } from '../../src/storage/transaction';
import { Customer } from '../../src/subjects/customer';
import { HealthRecord } from '../../src/subjects/related/health-record';
import { Order } from '../../src/subjects/related/order';
import { type Row, TenantReader } from '../../src/tenancy/tenant-reader';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import { TransferApproval } from '../../src/transfers/transfer-approval';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer, insertRows } from '../support/rows';
import { recordSql } from '../support/sql-log';

const contactOf = { email: 'ada@example.org', phone: '+44 20 7946 0958', socialHandle: '@ada' };

describe.each(databases)('writing rows of a client on $name', ({ create, name }) => {
  let database: TestDatabase;
  let app: TestApp;
  let source: DataSource;
  let acme: string;
  let globex: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    source = app.stores.regions.home;
    acme = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    globex = (await app.services.clients.register({ slug: 'globex', name: 'Globex' }, 'test')).id;
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const update = (id: string, changes: Row, client = acme) =>
    inTransaction(source, (manager) =>
      new TenantWriter(manager, app.stores.keys).update(Customer, client, { id }, changes),
    );
  const read = async (id: string, client = acme): Promise<Row> => {
    const fields = ['firstName', 'lastName', 'email', 'phone', 'socialHandle', 'gender', 'residency', 'createdAt'];
    const where = [{ field: 'id', is: '=', value: id } as const];
    const [row] = await new TenantReader(source, app.stores.keys).select(Customer, { client, fields, where });
    return row ?? {};
  };
  const raw = async (id: string): Promise<Row> => {
    const [row] = await source.query<Row[]>('SELECT * FROM customer WHERE id = ?', [id]);
    return row ?? {};
  };
  const digest = async (kind: 'email' | 'phone' | 'socialHandle', value: string, client = acme) =>
    blindIndex(await app.stores.keys.derivedKey(client, 'blind-index'), { kind, value });

  describe('updates', () => {
    test('of one sealed field keep the others of its category, and leave other categories’ bytes alone', async () => {
      const id = await insertCustomer(app, acme, { firstName: 'Ada', lastName: 'Byron', ...contactOf, gender: 'f' });
      const before = await raw(id);
      expect(await update(id, { lastName: 'Lovelace' })).toBe(true);
      const after = await raw(id);
      expect(await read(id)).toMatchObject({ firstName: 'Ada', lastName: 'Lovelace', ...contactOf, gender: 'f' });
      expect(after.sealed_name).not.toEqual(before.sealed_name);
      expect({ ...after, sealed_name: null }).toEqual({ ...before, sealed_name: null, revision: 1 });
    });

    test('an undefined value changes nothing: neither its field nor the others', async () => {
      const id = await insertCustomer(app, acme, { firstName: 'Ada', lastName: 'Byron', residency: 'GB' });
      const before = await raw(id);
      await update(id, { firstName: undefined, residency: undefined });
      expect(await raw(id)).toEqual(before);
      await update(id, { firstName: undefined, lastName: 'Lovelace' });
      expect(await read(id)).toMatchObject({ firstName: 'Ada', lastName: 'Lovelace' });
    });

    test('null empties a field; a category without values holds no bytes', async () => {
      const id = await insertCustomer(app, acme, { firstName: 'Ada', lastName: 'Byron' });
      await update(id, { firstName: null });
      expect(await read(id)).toMatchObject({ firstName: null, lastName: 'Byron' });
      await update(id, { lastName: null });
      expect(await raw(id)).toMatchObject({ sealed_name: null });
    });

    test('the key never changes, whatever the changes say', async () => {
      const id = await insertCustomer(app, acme, { firstName: 'Ada' });
      await update(id, { id: uuid(), clientId: globex, firstName: 'Augusta' });
      expect(await read(id)).toMatchObject({ clientId: acme, firstName: 'Augusta' });
    });

    test('blind indexes follow: another value, nothing, and a value that leaves nothing to look up by', async () => {
      const id = await insertCustomer(app, acme, contactOf);
      expect(await raw(id)).toMatchObject({
        email_index: await digest('email', 'ADA@example.org'),
        phone_index: await digest('phone', '0044 2079460958'),
        social_handle_index: await digest('socialHandle', 'ADA'),
      });
      await update(id, { email: 'lovelace@example.org' });
      expect(await raw(id)).toMatchObject({
        email_index: await digest('email', 'lovelace@example.org'),
        phone_index: await digest('phone', '0044 2079460958'),
      });
      await update(id, { email: null, phone: 'none' });
      expect(await raw(id)).toMatchObject({
        email_index: null,
        phone_index: null,
        social_handle_index: await digest('socialHandle', 'ADA'),
      });
      expect(await digest('email', 'ada@example.org')).not.toBe(await digest('email', 'ada@example.org', globex));
    });

    test('of another client’s row, of none, of an id that cannot be one: there is no such row', async () => {
      const id = await insertCustomer(app, acme, { firstName: 'Ada' });
      const before = await raw(id);
      expect(await update(id, { firstName: 'Eve' }, globex)).toBe(false);
      for (const odd of [uuid(), 'é', "' OR '1'='1"]) expect(await update(odd, { firstName: 'Eve' })).toBe(false);
      for (const nothing of ['', undefined, null, 5] as unknown as string[]) {
        await expect(update(nothing, { firstName: 'Eve' })).rejects.toThrow(/missing from the row's key/);
      }
      expect(await raw(id)).toEqual(before);
    });

    test('of a row whose seal does not open are refused, and leave it as it is', async () => {
      const id = await insertCustomer(app, acme, { firstName: 'Ada' });
      const other = await insertCustomer(app, acme, { firstName: 'Grace' });
      await source.query('UPDATE customer SET sealed_name = ? WHERE id = ?', [(await raw(other)).sealed_name, id]);
      const before = await raw(id);
      await expect(update(id, { lastName: 'Lovelace' })).rejects.toThrow('cannot be opened');
      expect(await raw(id)).toEqual(before);
      expect(await update(id, { residency: 'GB' })).toBe(true);
    });

    test('nothing is sealed for a person whose key is destroyed', async () => {
      const id = await insertCustomer(app, acme, { firstName: 'Ada', residency: 'GB' });
      await app.stores.keys.destroySubjectKey(acme, id);
      await expect(update(id, { firstName: 'Back' })).rejects.toThrow(/no key/);
      expect(await update(id, { residency: 'FR' })).toBe(true);
      expect(await read(id)).toMatchObject({ firstName: null, residency: 'FR' });
    });

    test('of two fields of one category at a time both hold', async () => {
      const id = await insertCustomer(app, acme, { firstName: 'A', lastName: 'B', ...contactOf });
      for (let round = 0; round < 10; round++) {
        await Promise.all([
          update(id, { firstName: `A${round}` }),
          update(id, { lastName: `B${round}` }),
          update(id, { email: `${round}@example.org` }),
          update(id, { socialHandle: `@${round}` }),
        ]);
        expect(await read(id)).toMatchObject({
          firstName: `A${round}`,
          lastName: `B${round}`,
          email: `${round}@example.org`,
          phone: contactOf.phone,
          socialHandle: `@${round}`,
        });
      }
    });
  });

  describe('inserts', () => {
    test('are the client’s whatever the row says, and need the key of their subject', async () => {
      const id = await insertCustomer(app, acme, { clientId: globex, firstName: 'Ada' });
      expect(await read(id)).toMatchObject({ clientId: acme, firstName: 'Ada' });
      await expect(insertRows(app, acme, Customer, [{ id: uuid(), firstName: 'Keyless' }])).rejects.toThrow(/no key/);
      // A subject's key is one client's own: globex cannot write about acme's customer.
      const record = { id: uuid(), customerId: id, note: 'x' };
      await expect(insertRows(app, globex, HealthRecord, [record])).rejects.toMatchObject({ code: 'PERSON_GONE' });
    });

    test.each([
      ['a time in words', { createdAt: 'yesterday' }],
      ['an invalid time', { createdAt: new Date(Number.NaN) }],
      ['no number', { createdAt: Number.NaN }],
      ['a text that is too long', { residency: 'GBR' }],
      ['a number for a text', { residency: 44 }],
      ['an object', { source: { toString: () => 'x' } }],
      ['bytes', { source: Buffer.from('x') }],
    ])('a plain column refuses %s, on every engine, without repeating it', async (_, fields) => {
      await expect(insertCustomer(app, acme, fields as Row)).rejects.toThrow(/^customer\.\w+ takes [\w ()]+$/);
    });

    test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e15, '12.50', new Date()])(
      'an amount refuses %p',
      async (total) => {
        const customerId = await insertCustomer(app, acme);
        await expect(insertRows(app, acme, Order, [{ id: uuid(), customerId, total }])).rejects.toThrow(/total takes/);
      },
    );

    test('text beyond the basic plane fits by its characters; every sealed text comes back as it was', async () => {
      const texts = [
        '😀'.repeat(100),
        "Zoë O'Brien; DROP TABLE customer",
        'a\0b',
        '\u202Eright-to-left',
        '"\\`?',
        '名前',
      ];
      for (const text of texts) {
        const id = await insertCustomer(app, acme, { firstName: text, source: text.slice(0, 200) });
        expect(await read(id)).toMatchObject({ firstName: text });
        expect(await raw(id)).toMatchObject({ source: text.slice(0, 200) });
      }
    });

    test('a list of codes is one text in its column, and an array in rows; none is not an empty one', async () => {
      const approval = (list: unknown): Row => {
        return { id: uuid(), recipientKind: 'SUB_PROCESSOR', recipientId: uuid(), residencies: list };
      };
      const rows = [['FR', 'DE'], [], null].map(approval);
      const insert = (row: Row) =>
        inTransaction(source, (manager) =>
          new TenantWriter(manager, app.stores.keys).insert(TransferApproval, acme, [row]),
        );
      for (const row of rows) await insert(row);
      const kept = await source.query<Row[]>('SELECT residencies FROM transfer_approval ORDER BY id');
      expect(kept.map(({ residencies }) => residencies)).toEqual(['FR,DE', '', null]);
      const selection = { client: acme, fields: ['residencies'], orderBy: [{ field: 'id' }] };
      const found = await new TenantReader(source, app.stores.keys).select(TransferApproval, selection);
      expect(found.map(({ residencies }) => residencies)).toEqual([['FR', 'DE'], [], null]);
      await expect(insert(approval('FR,DE'))).rejects.toThrow(/residencies takes a list$/);
      await expect(insert(approval(Array(334).fill('FR')))).rejects.toThrow(
        /residencies takes a list of 1000 characters/,
      );
      const [first = {}] = rows;
      expect(decidedRow(TransferApproval, first).columns).toMatchObject({ residencies: 'FR,DE' });
      await source.query('DELETE FROM transfer_approval');
    });

    test('more rows than one statement takes, with different fields each', async () => {
      const customerId = await insertCustomer(app, acme);
      const rows = Array.from({ length: 1_001 }, (_, index) => ({
        id: uuid(),
        customerId,
        ...(index % 2 ? { total: index } : { status: `S${index}` }),
      }));
      await insertRows(app, acme, Order, rows);
      const found = await new TenantReader(source, app.stores.keys).select(Order, {
        client: acme,
        fields: ['total', 'status'],
        where: [{ field: 'customerId', is: '=', value: customerId }],
        orderBy: [{ field: 'id' }],
      });
      expect(found.map(({ id, total, status }) => [id, total, status])).toEqual(
        rows.map((row) => [row.id, 'total' in row ? row.total : null, 'status' in row ? row.status : null]),
      );
    });

    test('pitfall 14: no statement and no error of the driver carries what is sealed', async () => {
      const log = recordSql(source);
      const secret = { firstName: 'NAME-CANARY', email: 'CANARY@example.org', gender: 'GENDER-CANARY' };
      const id = await insertCustomer(app, acme, secret);
      await update(id, { lastName: 'LAST-CANARY' });
      await source.query('CREATE UNIQUE INDEX one_email ON customer (email_index)');
      const refused = await insertCustomer(app, acme, secret).catch((error: unknown) => error);
      await source.query(name === 'SQLite' ? 'DROP INDEX one_email' : 'DROP INDEX one_email ON customer');
      expect(refused).toBeInstanceOf(Error);
      const said = [JSON.stringify(refused), String(refused), (refused as Error).stack];
      const sent = log.take().map(({ sql, parameters }) => sql + parameters.map(String).join());
      for (const text of [...said, ...sent]) expect(text).not.toMatch(/CANARY/i);
      expect(sent.length).toBeGreaterThan(3);
    });
  });

  describe('transactions', () => {
    test('that run at a time do not mix: one is undone, the other stays', async () => {
      const fail = async (client: string) => {
        const id = uuid();
        await app.stores.keys.createSubjectKeys(client, [id]);
        const done = inTransaction(source, async (manager) => {
          await new TenantWriter(manager, app.stores.keys).insert(Customer, client, [{ id, firstName: 'Undone' }]);
          throw new Error('undo');
        });
        await expect(done).rejects.toThrow('undo');
        return id;
      };
      const [kept, undone, alsoKept] = await Promise.all([
        insertCustomer(app, acme, { firstName: 'Kept' }),
        fail(acme),
        insertCustomer(app, globex, { firstName: 'Kept' }),
        fail(globex),
      ]);
      expect(await read(kept)).toMatchObject({ firstName: 'Kept' });
      expect(await read(alsoKept, globex)).toMatchObject({ firstName: 'Kept' });
      expect(await raw(undone)).toEqual({});
    });

    test('what is not committed is not read', async () => {
      const id = await insertCustomer(app, acme, { residency: 'GB' });
      let reading: Promise<Row> | undefined;
      const work = inTransaction(source, async (manager) => {
        await new TenantWriter(manager, app.stores.keys).update(Customer, acme, { id }, { residency: 'FR' });
        reading = (async () => read(id))();
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw new Error('undo');
      });
      // Begun outside of the transaction, while it runs.
      await new Promise((resolve) => setTimeout(resolve, 5));
      const outside = read(id);
      await expect(work).rejects.toThrow('undo');
      expect(await outside).toMatchObject({ residency: 'GB' });
      await reading;
      expect(await read(id)).toMatchObject({ residency: 'GB' });
    });

    test('within one another are refused where they would wait for each other; a read is part of its own', async () => {
      const nested = inTransaction(source, () => inTransaction(source, async () => 'inner'));
      if (name === 'SQLite') await expect(nested).rejects.toThrow(/hand its manager on/);
      else await expect(nested).resolves.toBe('inner');
      const seen = inTransaction(source, (manager) => committed(manager, () => manager.query('SELECT 1 AS one')));
      expect(await seen).toEqual([{ one: 1 }]);
    });

    test('a failed one does not stop the next', async () => {
      await expect(inTransaction(source, () => Promise.reject(new Error('first')))).rejects.toThrow('first');
      expect(await read(await insertCustomer(app, acme, { firstName: 'Next' }))).toMatchObject({ firstName: 'Next' });
    });

    test('a conflict is tried again, for a while; another error is not', async () => {
      const conflict = Object.assign(new Error('conflict'), { driverError: { code: 'ER_LOCK_DEADLOCK' } });
      let attempts = 0;
      const settle = (failures: number, error: Error) => {
        attempts = 0;
        return inTransaction(source, async () => {
          if (attempts++ < failures) throw error;
          return attempts;
        });
      };
      expect(await settle(4, conflict)).toBe(5);
      await expect(settle(Number.POSITIVE_INFINITY, conflict)).rejects.toThrow('conflict');
      expect(attempts).toBeGreaterThan(5);
      await expect(settle(9, new Error('mistake'))).rejects.toThrow('mistake');
      expect(attempts).toBe(1);
    });
  });
});
