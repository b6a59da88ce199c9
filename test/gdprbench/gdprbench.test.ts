import { jobWorker } from '../../src/background';
import { PurposeGrant } from '../../src/identity/purpose-grant';
import { type AuditedServer, openAuditedServer } from '../audit/audited-server';
import { plantPeople } from '../erasure/people';
import { databases, type TestDatabase } from '../support/databases';
import { type Measured, tableOf } from './table';
import { type Bench, mixes, type Query, type Subject, sharedWith } from './workload';

/** More of them make the table of docs/gdprbench.md: `GDPRBENCH_PEOPLE=1000 GDPRBENCH_OPERATIONS=1000`. */
const PEOPLE = Number(process.env.GDPRBENCH_PEOPLE ?? 30);
const OPERATIONS = Number(process.env.GDPRBENCH_OPERATIONS ?? 0);

const YEAR_MS = 365 * 86_400_000;

jest.setTimeout(1_800_000);

describe.each(databases)('GDPRbench on $name', ({ name, create }) => {
  let database: TestDatabase;
  let server: AuditedServer;
  let bench: Bench;
  const measured: Measured[] = [];

  beforeAll(async () => {
    database = await create();
    server = await openAuditedServer(database);
    const { clients, parties } = server.app.services;
    const { id } = await clients.register({ slug: 'acme', name: 'Acme', country: 'DE' }, 'test');
    for (const kind of ['MASTER', 'DPA'] as const) await clients.sign(id, { kind, version: '1' }, 'test');
    await parties.registerApplication(
      {
        slug: sharedWith,
        name: 'Parcel App',
        publisher: 'Parcels Ltd',
        country: 'IE',
        scopes: [],
        privacyNoticeVersion: '1',
        privacyNoticeText: 'Parcels are sent to the address that is shared.',
      },
      'test',
    );
    const ended = await clients.register({ slug: 'ended', name: 'Ended', country: 'DE' }, 'test');
    const { records } = server.app.services;
    for (const grant of await records.list(PurposeGrant, ended.id)) {
      if (['IMPROVEMENT', 'LEGAL'].includes(String(grant.purpose))) continue;
      const actor = { client: ended.id, principal: 'test' };
      await records.withdraw(PurposeGrant, actor, String(grant.id), 'the purpose has ended');
    }
    bench = newBench(server, id, ended.id);
    const createRecord = mixes[0]?.queries[0];
    for (let number = 0; number < PEOPLE; number++) await createRecord?.run(bench);
  });
  afterAll(async () => {
    await server?.close();
    await database?.drop();
    if (OPERATIONS > 0) process.stdout.write(`\n${name}\n${tableOf(measured)}\n`);
  });

  for (const { role, queries } of mixes) {
    test.each(queries.map((query) => [query.name, query] as const))(`${role}: %s is answered`, async (_, query) => {
      await query.run(bench);
    });

    test(`${role}: the mix runs to its end, each answer as the regulation asks`, async () => {
      const operations = OPERATIONS || 25;
      const times = new Map<string, number[]>();
      const started = performance.now();
      for (const query of mixOf(queries, operations)) {
        const before = performance.now();
        await query.run(bench);
        times.set(query.name, [...(times.get(query.name) ?? []), performance.now() - before]);
      }
      measured.push({ role, operations, seconds: (performance.now() - started) / 1_000, times });
    });
  }
});

/** The same mix at each run: queries by their shares, evenly spread. */
function* mixOf(queries: readonly Query[], operations: number): Generator<Query> {
  const owed = new Map(queries.map((query) => [query, 0]));
  for (let done = 0; done < operations; done++) {
    for (const [query, share] of owed) owed.set(query, share + query.share);
    const [next] = [...owed].sort(([, a], [, b]) => b - a)[0] ?? [];
    if (!next) return;
    owed.set(next, (owed.get(next) ?? 0) - 100);
    yield next;
  }
}

function newBench(server: AuditedServer, client: string, endedClient: string): Bench {
  const living = new Map<string, Subject>();
  const erased: Array<{ subject: Subject; request: string }> = [];
  const worker = jobWorker(server.app.stores, server.app.services);
  let counter = 0;
  let seed = 1;
  /** From 0 to 1, the same at each run. */
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  return {
    server,
    client,
    endedClient,
    ofEndedClient: () =>
      server.app.services.customers.create(endedClient, { firstName: 'Ada', residency: 'DE' }, 'gdprbench'),
    outlived: async () => {
      const createdAt = new Date(Date.now() - 2 * YEAR_MS);
      const [person] = await plantPeople(server.app.stores, client, [100_000 + counter++], { createdAt });
      return person?.id ?? '';
    },
    next: () => counter++,
    pick: () => {
      const all = [...living.values()];
      // As Zipf's law has it, roughly: a few are asked for again and again.
      const found = all[Math.floor(all.length * random() ** 3)];
      if (!found) throw new Error('nobody is left');
      return found;
    },
    erased: () => erased.at(-1),
    add: (subject) => void living.set(subject.id, subject),
    gone: (subject, request) => {
      living.delete(subject.id);
      erased.push({ subject, request });
    },
    settle: async () => void (await worker.drain()),
  };
}
