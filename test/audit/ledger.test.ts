import { once } from 'node:events';
import { WebSocket } from 'ws';
import { faultOfProof } from '../../src/audit/log/proof';
import type { Asker } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { type AuditedServer, fill, openAuditedServer, tokenOf } from './audited-server';

const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme', subject: 'CANARY-agent@acme.example', country: 'DE' };
const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const names = 'query Names { customers(first: 2) { nodes { id firstName gender } } }';

const entryFields = `id kind time client principal roles purpose permissions operation operationHash
  coordinates { coordinate outcome rowsWithheld } codes { code rows } subjects country policyVersion decisionId latency
  result details { name value } log sequence`;
const entriesQuery = `query Entries($first: Int, $after: String, $filter: AuditEntryFilter) {
  auditEntries(first: $first, after: $after, filter: $filter) { nodes { ${entryFields} } pageInfo { hasNextPage endCursor } }
}`;

interface Shown {
  readonly [field: string]: never;
}

const fieldOf = <T>({ data }: { data?: Record<string, unknown> | null }, field: string): T => data?.[field] as T;

describe.each(databases)('the ledger on $name', ({ create }) => {
  let database: TestDatabase;
  let server: AuditedServer;
  let acme: { id: string; ids: string[] };

  beforeAll(async () => {
    database = await create();
    server = await openAuditedServer(database);
    acme = await fill(server, 'acme', 3);
    await fill(server, 'other', 1);
  });

  afterAll(async () => {
    await server.close();
    await database.drop();
  });

  async function entries(asker: Asker, filter: object = {}, first = 50): Promise<Shown[]> {
    const { body } = await server.post(asker, undefined, entriesQuery, { first, filter });
    expect(body.errors).toBeUndefined();
    return fieldOf<{ nodes: Shown[] }>(body, 'auditEntries').nodes;
  }

  const auditIdOf = ({ body }: { body: { extensions?: { governance: Record<string, unknown> } } }): string =>
    String(body.extensions?.governance.auditId);

  async function rawBodies(): Promise<string[]> {
    const rows = await server.app.stores.regions.home.query<Array<{ body: Buffer }>>('SELECT body FROM audit_entry');
    return rows.map(({ body }) => body.toString('utf8'));
  }

  test('G1: an operation leaves an entry that says who, what for, what and of whom', async () => {
    const answer = await server.post(agent, 'SUPPORT', names);
    expect(answer.status).toBe(200);
    const entry = (await entries(officer)).find(({ id }) => id === auditIdOf(answer));
    expect(entry).toMatchObject({
      kind: 'ACCESS',
      client: acme.id,
      principal: 'CANARY-agent@acme.example',
      roles: ['CLIENT_AGENT'],
      purpose: 'SUPPORT',
      permissions: [expect.stringMatching(/^grant [0-9a-f-]{36}$/)],
      operation: 'query customers',
      operationHash: expect.stringMatching(/^[\w-]{43}$/),
      country: 'DE',
      result: 'ANSWERED',
      codes: [],
    });
    expect(entry?.coordinates).toEqual(
      expect.arrayContaining([
        { coordinate: 'Customer.firstName', outcome: 'CLEAR', rowsWithheld: false },
        { coordinate: 'Customer.gender', outcome: 'CLEAR', rowsWithheld: false },
      ]),
    );
    expect(entry?.subjects).toHaveLength(2);
    expect(entry?.latency).toBeGreaterThan(0);
  });

  test('attack S4: an entry of a list alone names the people on it, and the list', async () => {
    for (const document of [
      '{ customers(first: 2) { nodes { __typename } } }',
      '{ customers(first: 2) { pageInfo { hasNextPage } } }',
      '{ customers(first: 2) { nodes { orders { pageInfo { hasNextPage } } } } }',
    ]) {
      const answer = await server.post(agent, 'SUPPORT', document);
      const entry = (await entries(officer)).find(({ id }) => id === auditIdOf(answer));
      expect(entry?.subjects).toHaveLength(2);
      expect(entry?.coordinates).toContainEqual({
        coordinate: 'Query.customers',
        outcome: 'CLEAR',
        rowsWithheld: false,
      });
    }
    const one = await server.post(agent, 'SUPPORT', 'query ($id: ID!) { customer(id: $id) { __typename } }', {
      id: acme.ids[0],
    });
    const entry = (await entries(officer)).find(({ id }) => id === auditIdOf(one));
    expect([entry?.subjects, entry?.coordinates]).toMatchObject([{ length: 1 }, expect.any(Array)]);
    // Nobody is named of whom nothing could be given.
    const abroad = await server.post({ ...agent, country: 'CN' }, 'SUPPORT', '{ customers { nodes { __typename } } }');
    const withheld = (await entries(officer)).find(({ id }) => id === auditIdOf(abroad));
    expect(withheld?.subjects).toEqual([]);
  });

  test('attack S18: what a caller calls an operation is kept neither in the log nor in the ledger', async () => {
    const asked = [
      ['query ZZCANARYopname { customers(first: 1) { nodes { id } } }', 'query customers'],
      [
        'query ZZCANARYopname { ...ZZCANARYfragment viewer { principal } } fragment ZZCANARYfragment on Query { retention { days } }',
        'query retention, viewer',
      ],
      ['query ZZCANARYopname { ZZCANARYfield: viewer { principal } ZZCANARYunknown }', 'query viewer'],
      ['mutation ZZCANARYopname { createCustomer(input: {firstName: "x"}) { __typename } }', 'mutation createCustomer'],
      ['query ZZCANARYopname {', null],
    ] as const;
    for (const [document, operation] of asked) {
      const answer = await server.post(officer, 'LEGAL', document);
      const entry = (await entries({ role: 'AUDITOR' })).find(({ id }) => id === auditIdOf(answer));
      expect([document, entry?.operation]).toEqual([document, operation]);
    }
    expect(server.log().join('\n')).not.toContain('ZZCANARY');
    expect((await rawBodies()).join('\n')).not.toContain('ZZCANARY');
  });

  test('what is withheld, refused, rejected or asked for by nobody leaves an entry too', async () => {
    const withheld = await server.post(
      agent,
      'SUPPORT',
      '{ customers(first: 1) { nodes { id healthRecords { nodes { id } } } } }',
    );
    const refused = await server.post(agent, undefined, names);
    const rejected = await server.post(agent, 'SUPPORT', '{ nothing }');
    const anonymous = await server.post(undefined, undefined, '{ subProcessors { name } }');
    const all = await entries({ role: 'AUDITOR' });
    const of = (answer: typeof withheld) => all.find(({ id }) => id === auditIdOf(answer));
    expect(of(withheld)).toMatchObject({ result: 'PARTLY', codes: [{ code: 'AGREEMENT_REQUIRED', rows: 1 }] });
    expect(of(withheld)?.coordinates).toContainEqual(
      expect.objectContaining({ coordinate: 'Customer.healthRecords', outcome: 'WITHHELD' }),
    );
    expect(of(refused)).toMatchObject({
      result: 'REFUSED',
      codes: [{ code: 'PURPOSE_REQUIRED', rows: 1 }],
      subjects: [],
    });
    expect(of(rejected)).toMatchObject({ result: 'REJECTED', codes: [{ code: 'GRAPHQL_VALIDATION_FAILED', rows: 1 }] });
    expect(of(anonymous)).toMatchObject({ result: 'ANSWERED', principal: null, client: null });
  });

  test('literals and variables are not in an entry, and one query about two persons has one hash', async () => {
    const by = (id: string) => server.post(agent, 'SUPPORT', `query One { customer(id: "${id}") { firstName } }`);
    const [first, second] = [await by(acme.ids[0] ?? ''), await by(acme.ids[1] ?? '')];
    const all = await entries(officer);
    const [one, two] = [first, second].map((answer) => all.find(({ id }) => id === auditIdOf(answer)));
    expect(one?.operationHash).toBe(two?.operationHash);
    expect(one?.subjects).not.toEqual(two?.subjects);
    expect((await rawBodies()).join('\n')).not.toContain(acme.ids[0]);
  });

  test('nothing in the ledger names a person in the clear: neither subjects nor principals', async () => {
    await server.post(agent, 'LEGAL', '{ customers { nodes { id firstName lastName email } } }');
    const stored = (await rawBodies()).join('\n');
    expect(stored).toContain('"kind":"ACCESS"');
    expect(stored).not.toMatch(/canary/i);
    for (const id of acme.ids) expect(stored).not.toContain(id);
  });

  test('entries are found by subject, principal, purpose, coordinate, outcome and time', async () => {
    const from = new Date();
    const [one, two] = acme.ids;
    const security = { ...agent, role: 'CLIENT_APP', subject: 'app-7' } as const;
    const read = auditIdOf(await server.post(agent, 'SUPPORT', `{ customer(id: "${one}") { lastName } }`));
    const masked = auditIdOf(await server.post(security, 'SECURITY', `{ customer(id: "${two}") { lastName email } }`));
    const idsFor = async (filter: object) =>
      (await entries(officer, { from, kind: 'ACCESS', ...filter })).map(({ id }) => String(id));
    expect(await idsFor({ subject: one })).toEqual([read]);
    expect(await idsFor({ subject: two })).toEqual([masked]);
    expect(await idsFor({ principal: 'app-7' })).toEqual([masked]);
    expect(await idsFor({ purpose: 'SUPPORT' })).toEqual([read]);
    expect(await idsFor({ coordinate: 'Customer.email' })).toEqual([masked]);
    expect(await idsFor({ coordinate: 'Customer.lastName', outcome: 'DEIDENTIFIED' })).toEqual([masked]);
    expect(await idsFor({ outcome: 'DEIDENTIFIED' })).toEqual([masked]);
    expect(await idsFor({ subject: one, to: from })).toEqual([]);
  });

  test('S1: a client sees its own entries alone; agents see none', async () => {
    const foreign = await server.post({ ...agent, client: 'other' }, 'SUPPORT', names);
    const mine = await entries(officer, {}, 500);
    expect(mine.map(({ id }) => id)).not.toContain(auditIdOf(foreign));
    expect(new Set(mine.map(({ client }) => client))).toEqual(new Set([acme.id]));
    const proof = `{ auditProof(entryId: "${auditIdOf(foreign)}") { index } }`;
    expect((await server.post(officer, undefined, proof)).body.data).toEqual({ auditProof: null });
    const everybody = await entries({ role: 'PLATFORM_PRIVACY_OFFICER' }, {}, 500);
    expect(everybody.map(({ id }) => id)).toContain(auditIdOf(foreign));
    expect(
      (await server.post(agent, undefined, '{ auditEntries { nodes { id } } }')).body.errors?.[0]?.extensions.code,
    ).toBe('FORBIDDEN');
  });

  test('the newest come first, page by page', async () => {
    const ids: unknown[] = [];
    let after: string | null = null;
    for (let more = true; more; ) {
      const { body } = await server.post(officer, undefined, entriesQuery, {
        first: 4,
        after,
        filter: { kind: 'ACCESS' },
      });
      const { nodes, pageInfo } = fieldOf<{
        nodes: Shown[];
        pageInfo: { hasNextPage: boolean; endCursor: string };
      }>(body, 'auditEntries');
      ids.push(...nodes.map(({ id }) => id));
      more = pageInfo.hasNextPage && ids.length < 12;
      after = pageInfo.endCursor;
    }
    expect(ids).toEqual([...ids].sort().reverse());
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('R1, R2: every change to governance is recorded before it is made', async () => {
    const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme', subject: 'CANARY-admin' };
    const staff: Asker = { role: 'PLATFORM_STAFF' };
    const done = async (asker: Asker, mutation: string) => {
      const answer = await server.post(asker, 'LEGAL', `mutation { ${mutation} }`);
      expect(answer.body.errors).toBeUndefined();
      return answer.body.data as Record<string, never>;
    };
    const { grantPurpose } = await done(
      admin,
      'grantPurpose(input: {granteeKind: PRINCIPAL, grantee: "CANARY-lee", purpose: SUPPORT, reason: "CANARY-why"}) { grant { id } }',
    );
    const grant = (grantPurpose as unknown as { grant: { id: string } }).grant.id;
    await done(admin, `withdrawPurpose(input: {id: "${grant}", reason: "CANARY-over"}) { grant { id } }`);
    await done(admin, 'giveInstruction(input: {purpose: LEGAL, reason: "CANARY-case"}) { instruction { id } }');
    await done(admin, 'signAgreement(input: {kind: DPA, version: "2"}) { agreement { id } }');
    await done(
      admin,
      `restrictProcessing(input: {customerId: "${acme.ids[2]}", ground: OBJECTION}) { customer { residency } }`,
    );
    await done(
      staff,
      `registerThirdPartyApplication(input: {slug: "mailer", name: "Mailer", publisher: "M", country: "DE", scopes: [],
        privacyNoticeVersion: "1", privacyNoticeUrl: "https://publisher.example/privacy"}) { application { id } }`,
    );
    const mine = await entries(officer, {}, 500);
    const kinds = mine.map(({ kind }) => String(kind));
    for (const kind of [
      'CLIENT_REGISTERED',
      'GRANT_GIVEN',
      'GRANT_WITHDRAWN',
      'INSTRUCTION_GIVEN',
      'AGREEMENT_SIGNED',
      'RESTRICTION_SET',
    ]) {
      expect(kinds).toContain(kind);
    }
    const given = mine.find(({ kind }) => kind === 'GRANT_GIVEN');
    expect(given).toMatchObject({ principal: 'CANARY-admin', purpose: 'SUPPORT' });
    expect(given?.details).toContainEqual({ name: 'record', value: grant });
    expect(mine.find(({ kind }) => kind === 'RESTRICTION_SET')?.subjects).toHaveLength(1);
    const everybody = await entries({ role: 'AUDITOR' }, { kind: 'APPLICATION_REGISTERED' });
    expect(everybody).toHaveLength(1);
    expect((await rawBodies()).join('\n')).not.toMatch(/canary/i);
  });

  test('G3: sign-ins that fail are counted, not written one by one', async () => {
    const failing = () =>
      server.http.inject({
        method: 'POST',
        url: '/graphql',
        headers: { authorization: 'Bearer nonsense', 'content-type': 'application/json' },
        payload: { query: '{ viewer { principal } }' },
      });
    for (let times = 0; times < 30; times++) expect((await failing()).statusCode).toBe(401);
    await server.app.services.recorder.close();
    const failures = await entries({ role: 'AUDITOR' }, { kind: 'SIGN_IN_FAILED' });
    expect(failures.length).toBeLessThanOrEqual(2);
    const counts = failures.flatMap(({ details }) => details as unknown as Array<{ name: string; value: string }>);
    expect(new Set(counts.map(({ name }) => name))).toEqual(new Set(['The token is malformed.']));
    expect(counts.reduce((sum, { value }) => sum + Number(value), 0)).toBe(30);
  });

  test('an entry is proven to be in its log, to somebody with the public key only', async () => {
    const answer = await server.post(agent, 'SUPPORT', names);
    const { body } = await server.post(
      officer,
      undefined,
      `{ auditProof(entryId: "${auditIdOf(answer)}") { entry index hashes checkpoint tlogProof } auditCheckpoint { log size note verifierKey } }`,
    );
    const proof = body.data?.auditProof as unknown as Parameters<typeof faultOfProof>[0] & { tlogProof: string };
    const { publicKey } = await server.app.services.ledger.signer();
    expect(JSON.parse(proof.entry)).toMatchObject({ id: auditIdOf(answer), operation: 'query customers' });
    expect(await faultOfProof(proof, publicKey)).toBeUndefined();
    const forged = { ...proof, entry: proof.entry.replace('SUPPORT', 'LEGAL') };
    expect(await faultOfProof(forged, publicKey)).toMatch(/not number/);
    expect(await faultOfProof(proof, Buffer.alloc(32, 1))).toMatch(/not signed/);
    expect(proof.tlogProof.split('\n').slice(0, 2)).toEqual(['c2sp.org/tlog-proof@v1', `index ${proof.index}`]);
    expect(body.data?.auditCheckpoint).toContainEqual(
      expect.objectContaining({ verifierKey: expect.stringMatching(/^remit\/audit\/[0-9a-f-]{36}\+[0-9a-f]{8}\+/) }),
    );
  });

  test('many at once are written in groups, each entry under a signed checkpoint', async () => {
    // Of several principals: one alone may not have so much under way.
    const asking = (at: number) => server.post({ ...agent, subject: `agent-${at % 3}` }, 'SUPPORT', names);
    const answers = await Promise.all(Array.from({ length: 300 }, (_, at) => asking(at)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const { sound, findings, entries: read, checkpoints } = await server.verify();
    expect({ sound, findings }).toEqual({ sound: true, findings: [] });
    expect(read).toBeGreaterThan(300);
    expect(checkpoints).toBeLessThan(read);
    // Tiles now stand beside the first entries; proofs are made of them.
    const { body } = await server.post(
      officer,
      undefined,
      `{ auditProof(entryId: "${auditIdOf(answers[0] ?? { body: {} })}") { entry index hashes checkpoint } }`,
    );
    const { publicKey } = await server.app.services.ledger.signer();
    const proof = body.data?.auditProof as unknown as Parameters<typeof faultOfProof>[0];
    expect(await faultOfProof(proof, publicKey)).toBeUndefined();
  }, 60_000);

  test('D2, pitfall 28: an erased person is in no entry any more, and every entry still verifies', async () => {
    const [gone = ''] = acme.ids;
    const read = auditIdOf(await server.post(agent, 'SUPPORT', `{ customer(id: "${gone}") { firstName } }`));
    const [before] = await entries(officer, { subject: gone, kind: 'ACCESS' });
    expect(before?.id).toBe(read);
    await server.app.stores.keys.destroySubjectKey(acme.id, gone);
    expect(await entries(officer, { subject: gone })).toEqual([]);
    const references = server.app.services.auditReader;
    expect(await references.entries(acme.id, { subject: gone }, 10, undefined)).toEqual([]);
    const still = (await entries(officer, {}, 500)).find(({ id }) => id === read);
    const [destroyed] = await entries(officer, { kind: 'SUBJECT_KEY_DESTROYED' });
    expect(destroyed?.subjects).toEqual(before?.subjects);
    expect(still?.subjects).toEqual(before?.subjects);
    expect(await server.verify()).toMatchObject({ sound: true, findings: [] });
  });

  test('D6: with its client’s key a principal’s name goes', async () => {
    const leaver: Asker = { role: 'CLIENT_AGENT', client: 'leaver', subject: 'CANARY-leaver' };
    const { id } = await fill(server, 'leaver', 1);
    const read = auditIdOf(await server.post(leaver, 'SUPPORT', names));
    const auditor: Asker = { role: 'AUDITOR' };
    const shown = async () => (await entries(auditor, {}, 500)).find((entry) => entry.id === read);
    expect(await shown()).toMatchObject({ principal: 'CANARY-leaver' });
    await server.app.stores.keys.destroyClientKey(id);
    expect(await shown()).toMatchObject({ principal: null, client: id });
  });

  describe('where it cannot be written', () => {
    const rename = (from: string, to: string) =>
      server.app.stores.regions.home.query(`ALTER TABLE ${from} RENAME TO ${to}`);

    test('G1: nothing governed is given, nothing of governance is changed, and what reaches neither is answered', async () => {
      await rename('audit_entry', 'audit_entry_away');
      try {
        const governed = await server.post(agent, 'SUPPORT', names);
        expect(governed.status).toBe(503);
        expect(governed.body.data).toBeNull();
        expect(governed.body.errors?.map(({ extensions }) => extensions.code)).toEqual(['AUDIT_UNAVAILABLE']);
        expect(governed.text).not.toMatch(/canary/i);
        expect(governed.body.extensions?.governance.auditId).toBeNull();

        const ungoverned = await server.post(agent, undefined, '{ viewer { principal } }');
        expect(ungoverned.status).toBe(200);
        expect(ungoverned.body.data).toEqual({ viewer: { principal: 'CANARY-agent@acme.example' } });
        expect(ungoverned.body.extensions?.governance.auditId).toBeNull();

        const granting =
          'mutation { grantPurpose(input: {granteeKind: ROLE, grantee: "CLIENT_AGENT", purpose: LEGAL, reason: "r"}) { grant { id } } }';
        const change = await server.post({ role: 'CLIENT_ADMIN', client: 'acme' }, undefined, granting);
        expect(change.body.errors?.[0]?.extensions.code).toBe('AUDIT_UNAVAILABLE');

        const { keys } = server.app.stores;
        const [, kept = ''] = acme.ids;
        await expect(keys.destroySubjectKey(acme.id, kept)).rejects.toMatchObject({
          extensions: { code: 'AUDIT_UNAVAILABLE' },
        });
        expect((await keys.subjectKeys(acme.id, [kept])).has(kept)).toBe(true);
      } finally {
        await rename('audit_entry_away', 'audit_entry');
      }
      const grants = await server.post(officer, undefined, '{ purposeGrants { grantee purpose } }');
      expect(grants.body.data?.purposeGrants).not.toContainEqual({ grantee: 'CLIENT_AGENT', purpose: 'LEGAL' });
      expect(server.log().filter((line) => line.includes('could not be audited')).length).toBeGreaterThanOrEqual(2);
      const metrics = await server.http.inject('/metrics');
      expect(metrics.body).toMatch(/remit_unaudited_operations_total [23]/);
    });

    test('once it can be written again everything goes on, in a log of its own, and all of it verifies', async () => {
      expect((await server.post(agent, 'SUPPORT', names)).status).toBe(200);
      const { sound, logs } = await server.verify();
      expect(sound).toBe(true);
      expect(logs.length).toBeGreaterThanOrEqual(2);
    });
  });

  test('pitfall 15: an operation over WebSocket leaves an entry before its answer', async () => {
    const address = await server.http.listen({ port: 0, host: '127.0.0.1' });
    const socket = new WebSocket(`${address.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    const received: Array<{ type: string; payload?: { extensions: { governance: { auditId: string } } } }> = [];
    const ended = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        const message = JSON.parse(String(data));
        received.push(message);
        if (message.type === 'connection_ack') {
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: names } }));
        }
        if (message.type === 'complete' || message.type === 'error') resolve();
      });
    });
    socket.send(
      JSON.stringify({
        type: 'connection_init',
        payload: { authorization: `Bearer ${tokenOf(agent)}`, 'processing-purpose': 'SUPPORT' },
      }),
    );
    await ended;
    socket.terminate();
    const answer = received.find(({ type }) => type === 'next');
    const id = answer?.payload?.extensions.governance.auditId;
    const [entry] = await entries(officer, { kind: 'ACCESS' }, 1);
    expect(entry).toMatchObject({ id, purpose: 'SUPPORT', result: 'ANSWERED' });
    expect(entry?.operationHash).toMatch(/^[\w-]{43}$/);
  });
});
