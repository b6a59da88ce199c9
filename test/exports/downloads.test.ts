import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { Customer } from '../../src/subjects/customer';
import { CustomAttribute } from '../../src/subjects/related/custom-attribute';
import { TenantReader } from '../../src/tenancy/tenant-reader';
import { type AuditedServer, openAuditedServer, tokenOf } from '../audit/audited-server';
import { type Installation, openInstallation } from '../erasure/installation';
import { CANARY, newClient, plantPeople } from '../erasure/people';
import type { Asker } from '../support/app';
import { remitHere as remit } from '../support/command';
import { databases, type TestDatabase } from '../support/databases';
import { insertRows } from '../support/rows';
import { drainAt, parseExport } from './reading';

const [embedded] = databases;
const by = { principal: 'test', role: 'CLIENT_ADMIN' };

describe('GET /exports/:id', () => {
  let database: TestDatabase;
  let server: AuditedServer;
  let port: number;
  let client: string;
  const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };

  beforeAll(async () => {
    if (!embedded) throw new Error('there is no test database');
    database = await embedded.create();
    server = await openAuditedServer(database);
    await server.http.listen({ port: 0, host: '127.0.0.1' });
    port = (server.http.server.address() as AddressInfo).port;
    client = await newClient(server.app.services, 'acme');
    await newClient(server.app.services, 'globex');
    await plantPeople(server.app.stores, client, [1, 2]);
  });
  afterAll(async () => {
    await server.close();
    await database.drop();
  });

  const made = async (): Promise<string> => {
    const { id } = await server.app.services.exports.request(client, by);
    expect(await drainAt(server.app, Date.now() + 1_000)).toEqual([]);
    return id;
  };
  const headersOf = (asker?: Asker) => (asker ? { authorization: `Bearer ${tokenOf(asker)}` } : {});
  const fetched = (id: string, asker?: Asker) =>
    server.http.inject({ method: 'GET', url: `/exports/${id}`, headers: headersOf(asker) });
  const stateOf = (id: string) => server.app.services.exports.find(client, id);

  test('refuses everyone but the client’s own administrators, and says why', async () => {
    const id = await made();
    const codes: Array<[Asker | undefined, number, string]> = [
      [undefined, 401, 'UNAUTHENTICATED'],
      [{ role: 'CLIENT_AGENT', client: 'acme' }, 403, 'FORBIDDEN'],
      [{ role: 'PLATFORM_STAFF', client: 'acme' }, 403, 'FORBIDDEN'],
      [{ role: 'CLIENT_ADMIN', client: 'globex' }, 404, 'NOT_FOUND'],
      [{ ...admin, country: 'CN' }, 403, 'TRANSFER_NOT_AUTHORIZED'],
    ];
    for (const [asker, status, code] of codes) {
      const answer = await fetched(id, asker);
      expect([answer.statusCode, answer.json().errors[0].extensions.code]).toEqual([status, code]);
      expect(answer.body).not.toContain(CANARY);
    }
    expect((await fetched(id)).headers['www-authenticate']).toBe('Bearer');
    expect((await fetched('none', admin)).statusCode).toBe(404);
    const forged = await server.http.inject({ url: `/exports/${id}`, headers: { authorization: 'Bearer x' } });
    expect(forged.statusCode).toBe(401);
    const head = await server.http.inject({ method: 'HEAD', url: `/exports/${id}`, headers: headersOf(admin) });
    expect(head.statusCode).toBe(404);
    expect(await stateOf(id)).toMatchObject({ status: 'READY' });
  });

  test('streams it, and it is collected once the last byte has left', async () => {
    const id = await made();
    const response = await fetch(`http://127.0.0.1:${port}/exports/${id}`, { headers: headersOf(admin) });
    const text = await response.text();
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'application/x-ndjson',
      'no-store',
    ]);
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    const { rows, end } = parseExport(text);
    expect(rows).toHaveLength(end.rows);
    expect(rows.filter(({ table }) => table === 'customer').map(({ row }) => row.firstName)).toEqual([
      `${CANARY}-first-1`,
      `${CANARY}-first-2`,
    ]);
    for (let tries = 0; (await stateOf(id))?.status !== 'COLLECTED' && tries < 1_000; tries++) await sleep(20);
    expect(await stateOf(id)).toMatchObject({ status: 'COLLECTED', collectedAt: expect.any(Number) });
    expect(server.log().join()).not.toContain(CANARY);
  });

  test('a download that is cut off is no collection', async () => {
    const [person] = await plantPeople(server.app.stores, client, [3]);
    // More than the sockets' buffers take without a reader.
    const notes = Array.from({ length: 24 }, (_, n) => ({
      id: uuid(),
      customerId: person?.id,
      key: `k${n}`,
      value: Array.from({ length: 60_000 }, () => Math.random().toString(36).slice(2)).join(''),
    }));
    await insertRows(server.app, client, CustomAttribute, notes);
    const id = await made();
    expect((await stateOf(id))?.bytes).toBeGreaterThan(10_000_000);
    const download = get({ port, path: `/exports/${id}`, headers: headersOf(admin) });
    const [response] = await once(download, 'response');
    await once(response, 'data');
    response.destroy();
    await sleep(500);
    expect(await stateOf(id)).toMatchObject({ status: 'READY', collectedAt: null });
    const whole = await fetched(id, admin);
    expect(parseExport(whole.body).rows.length).toBeGreaterThan(24);
  });

  test('one that is discarded while it is read breaks off, and looks so', async () => {
    const id = await made();
    const download = request({ port, path: `/exports/${id}`, headers: headersOf(admin) }).end();
    const [response] = await once(download, 'response');
    await once(response, 'readable');
    await server.app.services.exports.request(client, by);
    const failure = await new Promise((resolve) => {
      response.once('error', resolve);
      response.once('end', () => resolve('whole'));
      response.resume();
    });
    expect(failure).toMatchObject({ code: 'ECONNRESET' });
    expect(await stateOf(id)).toMatchObject({ status: 'DISCARDED', collectedAt: null });
  });
});

describe('remit exports', () => {
  let database: TestDatabase;
  let installation: Installation;
  const folder = mkdtempSync(join(tmpdir(), 'remit-exports-'));
  jest.setTimeout(180_000);

  beforeAll(async () => {
    if (!embedded) throw new Error('there is no test database');
    database = await embedded.create();
    installation = await openInstallation(database);
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (...words: string[]) => remit(words, { cwd: folder, env: installation.env });

  test('lists and writes them; customers go back in by the import', async () => {
    const { services, stores } = installation;
    const client = await newClient(services, 'acme');
    await plantPeople(stores, client, [1, 2]);
    const { id } = await services.exports.request(client, by);
    expect((await run('exports', 'write', id)).stderr).toContain('WAITING');
    expect(await run('erasures', 'run')).toMatchObject({ code: 0 });

    const customers = await run('exports', 'write', id, '--table', 'customer');
    expect(customers).toMatchObject({ code: 0, stderr: '' });
    expect((await run('exports', 'list')).stdout).toContain('READY');
    const whole = await run('exports', 'write', id);
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    expect(parseExport(whole.stdout).end.tables.customer?.rows).toBe(2);
    const listed = await run('exports', 'list', '--client', 'acme', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({ exports: [{ client: 'acme', id, status: 'COLLECTED' }] });

    writeFileSync(join(folder, 'customers.ndjson'), customers.stdout);
    const fields = ['externalId', 'firstName', 'lastName', 'email', 'phone', 'socialHandle', 'gender', 'residency'];
    const map = Object.fromEntries([...fields, 'postalAddress.street'].map((field) => [field, `row.${field}`]));
    writeFileSync(join(folder, 'map.json'), JSON.stringify(map));
    const words = ['import', 'customers.ndjson', '--client', 'next', '--as', 'customers', '--map', 'map.json'];
    const imported = await run(...words, '--create-client', '--json');
    expect(JSON.parse(imported.stdout)).toMatchObject({ read: 2, created: 2, rejected: 0 });
    const next = (await services.clients.find('next'))?.id ?? '';
    const reader = new TenantReader(stores.regions.home, stores.keys);
    const people = (of: string) => reader.select(Customer, { client: of, fields, orderBy: [{ field: 'id' }] });
    const without = (rows: object[]) => rows.map((row) => ({ ...row, id: '', clientId: '' }));
    expect(without(await people(next))).toEqual(without(await people(client)));
  });

  test('2 for what is not there', async () => {
    const none = '01a20904-51be-7430-898a-d3b28bc7869b';
    for (const words of [
      ['write', none],
      ['write', 'x'],
      ['write', none, '--table', 'job'],
      ['list', '--client', 'nobody'],
    ]) {
      expect(await run('exports', ...words)).toMatchObject({ code: 2, stdout: '' });
    }
    expect((await run('exports', 'list', '--client', 'acme')).code).toBe(0);
  });
});
