import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jobWorker } from '../../src/background';
import { verifyCertificate } from '../../src/erasure/records/certificate';
import { inTransaction } from '../../src/storage/transaction';
import { Customer } from '../../src/subjects/customer';
import { Message } from '../../src/subjects/related/conversation';
import { TenantReader } from '../../src/tenancy/tenant-reader';
import { remitHere as remit } from '../support/command';
import { databases, type TestDatabase } from '../support/databases';
import { type Installation, openInstallation } from './installation';
import { CANARY, countRows, newClient, plantedRows, plantPeople } from './people';

const DAY = 86_400_000;
const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
const times = (n: number) => Object.fromEntries(Object.entries(plantedRows).map(([table, rows]) => [table, rows * n]));

/** A restored backup brings an erased person back (docs/pitfalls.md, 26; docs/statement.md, D2). */
describe.each(databases)('a restored backup on $name', ({ create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let client: string;

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    client = await newClient(installation.services, 'acme');
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  const drain = async () => {
    const failures: unknown[] = [];
    await jobWorker(installation.stores, installation.services, {
      onFailure: (error) => failures.push(error),
    }).drain();
    expect(failures).toEqual([]);
  };

  test('brings nothing readable back, and replay erases again whoever it brought', async () => {
    const people = await plantPeople(installation.stores, client, [1, 2, 3]);
    const [erased, lost, bystander] = people.map(({ id }) => id) as [string, string, string];
    const since = new Date().toISOString();
    const restore = await backup(installation, database);

    const request = await installation.services.erasure.erasures.request(client, erased, filing);
    await drain();
    expect(await countRows(installation.stores, client)).toEqual(times(2));
    // Asked for, but not begun, when the data was lost: the ledger knows of it all the same.
    const waiting = await installation.services.erasure.erasures.request(client, lost, filing);
    const { certificate } = await installation.services.erasure.records.require(client, request.id);

    await restore();
    const { stores, services } = installation;
    expect(await countRows(stores, client)).toEqual(times(3));
    expect(await services.erasure.erasures.find(client, request.id)).toBeUndefined();
    const reader = new TenantReader(await stores.regions.of(client), stores.keys);
    const [row] = await reader.select(Customer, {
      client,
      fields: ['firstName', 'email', 'postalAddress'],
      where: [{ field: 'id', is: '=', value: erased }],
    });
    expect(row).toMatchObject({ id: erased, firstName: null, email: null, postalAddress: null });
    const messages = await reader.select(Message, {
      client,
      fields: ['body'],
      where: [{ field: 'customerId', is: '=', value: erased }],
    });
    expect(messages.map(({ body }) => body)).toEqual([null, null, null]);

    const options = { cwd: installation.folder, env: installation.env };
    const dry = await remit(['erasures', 'replay', '--since', since, '--dry-run', '--json'], options);
    expect(JSON.parse(dry.stdout).replayed).toHaveLength(2);
    expect(await countRows(stores, client)).toEqual(times(3));
    const replayed = await remit(['erasures', 'replay', '--since', since, '--json'], options);
    expect(replayed).toMatchObject({ code: 0, stderr: '' });
    const report = JSON.parse(replayed.stdout) as {
      replayed: Array<{ request: string; rows: number }>;
      failed: number;
    };
    expect(report.failed).toBe(0);
    expect(new Set(report.replayed.map((each) => each.request))).toEqual(new Set([request.id, waiting.id]));
    expect(report.replayed.map(({ rows }) => rows)).toEqual([14, 14]);

    expect(await countRows(stores, client)).toEqual(times(1));
    const [kept] = await reader.select(Customer, { client, fields: ['lastName'] });
    expect(kept).toMatchObject({ id: bystander, lastName: `${CANARY}-last-3` });
    for (const { id } of [request, waiting]) {
      expect(await services.erasure.erasures.find(client, id)).toMatchObject({ status: 'COMPLETED', customerId: null });
    }
    const after = await services.erasure.records.require(client, request.id);
    expect(after).toMatchObject({ certificate, replayedAt: expect.any(Number) });
    const again = await remit(['erasures', 'replay', '--since', since, '--json'], options);
    expect(JSON.parse(again.stdout)).toEqual({ replayed: [], failed: 0 });

    // The certificate holds by the public key alone, with no installation at hand; altered, it does not.
    const keys = await services.erasure.signingKeys.publicKeys();
    const [file, key] = ['cert.json', 'keys.json'].map((name) => join(installation.folder, name)) as [string, string];
    writeFileSync(file, certificate ?? '');
    writeFileSync(key, JSON.stringify({ keys }));
    const verified = await remit(['erasures', 'verify', file, '--key', key, '--json'], { cwd: installation.folder });
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(verified.stdout)).toEqual(await verifyCertificate(certificate ?? '', keys));
    const { payload, ...rest } = JSON.parse(certificate ?? '') as Record<string, string>;
    const forged = { ...JSON.parse(Buffer.from(String(payload), 'base64url').toString()), keyDestroyed: false };
    writeFileSync(
      file,
      JSON.stringify({ ...rest, payload: Buffer.from(JSON.stringify(forged)).toString('base64url') }),
    );
    const refused = await remit(['erasures', 'verify', file, '--key', key], { cwd: installation.folder });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('signature');
  });

  test('what had not begun begins when it was to, and a client’s end is preceded by its export', async () => {
    const leaving = await newClient(installation.services, 'leaving');
    const [person] = await plantPeople(installation.stores, client, [7]);
    await plantPeople(installation.stores, leaving, [8]);
    const before = await countRows(installation.stores, client);
    const restore = await backup(installation, database);
    const since = Date.now();
    const notBefore = since + 5 * DAY;
    const { erasures } = installation.services.erasure;
    const later = await erasures.request(client, person?.id ?? '', { ...filing, notBefore });
    const ending = { clientId: leaving, effectiveOn: new Date(notBefore), exportFirst: true };
    const end = await installation.services.erasure.terminations.terminate(ending, filing);

    await restore();
    const { stores, services } = installation;
    expect(await services.erasure.erasures.find(leaving, end.id)).toBeUndefined();
    expect(await services.erasure.replay.run({ since })).toHaveLength(2);
    await drain();
    for (const [of, id] of [
      [client, later.id],
      [leaving, end.id],
    ] as const) {
      expect(await services.erasure.erasures.find(of, id)).toMatchObject({ status: 'RECEIVED', notBefore });
    }
    expect(await countRows(stores, client)).toEqual(before);
    expect(await services.exports.ofTermination(leaving, end.id)).toMatchObject({ status: 'WAITING', notBefore });
  });
});

/** Takes a copy of the data, not of the keys. @returns puts it back */
async function backup(installation: Installation, { databaseUrl }: TestDatabase): Promise<() => Promise<void>> {
  if (databaseUrl.startsWith('sqlite:')) {
    const file = databaseUrl.slice('sqlite:'.length);
    const copy = `${file}.backup`;
    await installation.whileClosed(async () => copyFileSync(file, copy));
    return () => installation.whileClosed(async () => copyFileSync(copy, file));
  }
  const { home } = installation.stores.regions;
  const tables = await home.query<Array<{ name: string }>>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name NOT LIKE 'audit%'`,
  );
  const rows = new Map<string, Array<Record<string, unknown>>>();
  for (const { name } of tables) rows.set(name, await home.query(`SELECT * FROM \`${name}\``));
  return () =>
    inTransaction(installation.stores.regions.home, async (manager) => {
      for (const [name, saved] of rows) {
        await manager.query(`DELETE FROM \`${name}\``);
        for (const row of saved) {
          const columns = Object.keys(row).map((column) => `\`${column}\``);
          await manager.query(
            `INSERT INTO \`${name}\` (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
            Object.values(row),
          );
        }
      }
    });
}
