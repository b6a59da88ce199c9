import { jobWorker } from '../../src/background';
import { Customer } from '../../src/subjects/customer';
import { TenantReader } from '../../src/tenancy/tenant-reader';
import { type Installation, openInstallation } from '../erasure/installation';
import { CANARY, newClient, plantPeople } from '../erasure/people';
import { databases, type TestDatabase } from '../support/databases';
import { type Command, commandsOf, Operator } from '../support/runbook';

const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;

/** Runs what docs/keys-backup.md says of a keys' store that is lost. */
describe.each(databases)('the runbook of lost keys on $name', ({ name, create }) => {
  const isServer = name === 'MariaDB';
  let database: TestDatabase;
  let installation: Installation;
  let operator: Operator;
  let client: string;

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database, 'daily');
    operator = new Operator(installation, database);
    client = await newClient(installation.services, 'acme');
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  const commands = commandsOf('docs/keys-backup.md', isServer ? 'mysql' : 'sqlite').filter(({ of }) =>
    of.includes('run'),
  );
  const isOld = ({ of }: Command) => of.includes('old');
  const drain = async () => {
    const failures: unknown[] = [];
    const onFailure = (error: unknown) => failures.push(error);
    await jobWorker(installation.stores, installation.services, { onFailure }).drain();
    expect(failures).toEqual([]);
  };
  const erase = async (person: string) => {
    const { id } = await installation.services.erasure.erasures.request(client, person, filing);
    await drain();
    return id;
  };
  const lastNames = async () => {
    const { stores } = installation;
    const reader = new TenantReader(await stores.regions.of(client), stores.keys);
    const rows = await reader.select(Customer, { client, fields: ['id', 'lastName'] });
    return new Map(rows.map(({ id, lastName }) => [id, lastName]));
  };
  const keyOf = async (person: string) =>
    (await installation.stores.keys.subjectKeys(client, [person])).get(person) !== undefined;
  const certificateOf = async (request: string) =>
    (await installation.services.erasure.records.find(client, request))?.certificate ?? undefined;

  const turn = async () => {
    await installation.services.erasure.turning.turn();
    await drain();
  };
  const statusOf = async (request: string) =>
    (await installation.services.erasure.erasures.find(client, request))?.status;

  test('brings back who was there, and nobody who was erased since', async () => {
    const [kept, before, since] = await plantPeople(installation.stores, client, [1, 2, 3]);
    const erased = await erase(before?.id ?? '');
    const [backup, ...restore] = commands.filter((command) => !isOld(command));
    operator.follow(backup ? [backup] : []);
    // It ends the epoch of that backup, and leaves one of its own.
    await turn();
    expect(await certificateOf(erased)).toBeDefined();
    const [late] = await plantPeople(installation.stores, client, [4]);
    const erasedSince = await erase(since?.id ?? '');
    // Asked for after the backup, and not begun.
    const [leaving] = await plantPeople(installation.stores, client, [5]);
    const asked = await installation.services.erasure.erasures.request(client, leaving?.id ?? '', filing);

    await installation.whileClosed(async () => operator.follow(restore));

    const said = operator.printed.join('');
    expect(said).toMatch(/^Restored: \d+ rows of epoch 2, as they were at /m);
    expect(said).toMatch(/^Destroyed again: 1 key of people who are not in the data any more\.$/m);
    expect(said).toMatch(/^Unreadable: 2 people who came since the backup\./m);
    expect(said).toMatch(/^Erasures: 2 records opened again, 1 to be certified anew by a server\.$/m);
    expect(said).toMatch(/^Sound: /m);
    expect(await lastNames()).toEqual(
      new Map([
        [kept?.id, `${CANARY}-last-1`],
        [late?.id, null],
        [leaving?.id, null],
      ]),
    );
    for (const gone of [before, since]) expect(await keyOf(gone?.id ?? '')).toBe(false);
    await drain();
    expect(await statusOf(erasedSince)).toBe('AWAITING_EPOCH');
    await turn();
    for (const id of [erased, erasedSince, asked.id]) {
      expect(await statusOf(id)).toBe('COMPLETED');
      expect(await certificateOf(id)).toBeDefined();
    }
    const entries = await installation.services.auditReader.entries(undefined, { kind: 'KEYS_RESTORED' }, 9, undefined);
    expect(entries).toHaveLength(1);
    // New people come in as ever.
    const [next] = await plantPeople(installation.stores, client, [6]);
    expect((await lastNames()).get(next?.id)).toBe(`${CANARY}-last-6`);
  }, 120_000);

  test('an old copy of the store is recognised, and nothing in it opens', async () => {
    const [copy, put] = isServer
      ? [
          'mariadb-dump $SERVER --hex-blob "$KEYS_SCHEMA" > old.sql',
          'mariadb $SERVER -e "DROP DATABASE $KEYS_SCHEMA; CREATE DATABASE $KEYS_SCHEMA"; mariadb $SERVER "$KEYS_SCHEMA" < old.sql',
        ]
      : [
          'cp "$KEYS_FILE" old.db; cp "$KEYS_FILE-wal" old.db-wal',
          'rm -f "$KEYS_FILE-shm"; cp old.db "$KEYS_FILE"; cp old.db-wal "$KEYS_FILE-wal"',
        ];
    operator.follow([{ text: copy, code: 0 }]);
    const before = await lastNames();
    await turn();
    await installation.whileClosed(async () => {
      operator.follow([{ text: put, code: 0 }]);
      const { status, stderr } = operator.run('remit census');
      expect(status).toBe(1);
      const why =
        /^error: KEYS_DATABASE_URL: the keys' store is of epoch \d, and the root of that epoch \(file:\S+\) is not here\./;
      expect(stderr).toMatch(why);
      expect(stderr).toMatch(
        /The root that is here is of epoch \d: the store is an old copy, .* nobody can open it any more/,
      );
      operator.printed.length = 0;
      operator.follow(commands.filter(isOld));
      expect(operator.printed.join('')).toMatch(/^! key backups +keys: there is no backup of epoch 3|^✗ key backups/m);
      expect(operator.printed.join('')).toContain('the store is an old copy, made before a turn ended its epoch');
      operator.follow(commands.filter((command) => !isOld(command)).slice(1));
    });
    expect(await lastNames()).toEqual(before);
  }, 120_000);
});
