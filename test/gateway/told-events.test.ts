import type { AddressInfo } from 'node:net';
import { type AuditedServer, openAuditedServer, tokenOf } from '../audit/audited-server';
import { newClient, plantPeople } from '../erasure/people';
import type { Asker } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { connect, type SocketClient } from './socket-client';

const file = 'mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id } } }';
const cancel = 'mutation ($id: ID!) { cancelErasure(input: { id: $id }) { request { id } } }';
const follow = 'subscription ($id: ID!) { erasureRequestChanged(id: $id) { id status } }';
const PER_SOCKET = 20;

interface Told {
  readonly payload: {
    readonly data: { readonly erasureRequestChanged: { readonly status: string } | null } | null;
    readonly errors?: ReadonlyArray<{ readonly extensions: { readonly code: string } }>;
    readonly extensions: { readonly governance: { readonly auditId: string } };
  };
}

// Many subscribers are answered together. What each is told, and what is written of it, stays its own.
describe.each(databases)('an event to many subscribers on $name', ({ create }) => {
  let database: TestDatabase;
  let server: AuditedServer;
  let url: string;
  let request: string;
  const sockets: SocketClient[] = [];

  const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme', subject: 'mara' };
  const people: Asker[] = [admin, { ...admin, subject: 'nils' }, { ...admin, country: 'AT', subject: 'olga' }];

  beforeAll(async () => {
    database = await create();
    server = await openAuditedServer(database);
    const client = await newClient(server.app.services, 'acme');
    const [person] = await plantPeople(server.app.stores, client, [1]);
    const input = {
      customerId: person?.id,
      grounds: 'OBJECTION',
      startsAt: new Date(Date.now() + 86_400_000).toISOString(),
    };
    const { data } = await server.app.ask(admin, 'LEGAL', file, { input });
    request = (data as { requestErasure: { request: { id: string } } }).requestErasure.request.id;
    await server.http.listen({ port: 0, host: '127.0.0.1' });
    url = `http://127.0.0.1:${(server.http.server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    for (const socket of sockets) socket.close();
    await server.close();
    await database.drop();
  });

  /** What ids of entries the subscribers were given, by principal. */
  async function told(status: string): Promise<Map<string, string[]>> {
    const ids = new Map<string, string[]>();
    for (const [index, socket] of sockets.entries()) {
      const own: string[] = [];
      for (let n = 0; n < PER_SOCKET; n++) {
        const { payload } = (await socket.next()) as unknown as Told;
        expect(payload).toMatchObject({ data: { erasureRequestChanged: { id: request, status } } });
        own.push(payload.extensions.governance.auditId);
      }
      ids.set(people[index]?.subject ?? '', own);
    }
    return ids;
  }

  /** Each entry's principal, as an auditor is shown it, and how it ended. */
  async function written(ids: readonly string[]): Promise<Array<Record<string, unknown>>> {
    const rows: Array<{ body: Buffer }> = await server.app.stores.regions.home.query('SELECT body FROM audit_entry');
    const entries = rows.map(({ body }) => JSON.parse(String(body)) as Record<string, unknown>);
    return entries.filter(({ id }) => ids.includes(String(id)));
  }

  test('each has it, with an entry that names its own principal, and the ledger is sound', async () => {
    for (const person of people) {
      const socket = await connect(url);
      sockets.push(socket);
      await socket.init({ authorization: `Bearer ${tokenOf(person)}`, 'processing-purpose': 'LEGAL' });
      for (let n = 0; n < PER_SOCKET; n++) socket.subscribe(String(n), follow, { variables: { id: request } });
    }
    for (const status of ['RECEIVED', 'CANCELLED']) {
      if (status === 'CANCELLED') {
        expect((await server.app.ask(admin, 'LEGAL', cancel, { id: request })).errors).toBeUndefined();
      }
      const references = new Set<unknown>();
      for (const [subject, ids] of await told(status)) {
        expect(new Set(ids).size).toBe(PER_SOCKET);
        const entries = await written(ids);
        expect(entries).toHaveLength(PER_SOCKET);
        const [principal, ...others] = new Set(entries.map((entry) => entry.principal));
        expect(others).toEqual([]);
        const name = String(entries[0]?.principalName);
        const { references: kept } = server.app.services;
        expect(await kept.nameOf(String(entries[0]?.client), name)).toBe(subject);
        references.add(principal);
        const about = { kind: 'ACCESS', transport: 'websocket', operation: 'subscription erasureRequestChanged' };
        for (const entry of entries) expect(entry).toMatchObject({ ...about, result: 'ANSWERED', purpose: 'LEGAL' });
        expect(new Set(entries.map(({ country }) => country))).toEqual(new Set([subject === 'olga' ? 'AT' : 'DE']));
      }
      expect(references.size).toBe(people.length);
    }
    expect(await server.verify()).toMatchObject({ sound: true, findings: [] });
  });
});
