import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer } from '../support/rows';

const HOUR = 3_600_000;
const hence = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();
const people = '{ customers { nodes { firstName email residency } } }';
const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const stranger: Asker = { role: 'CLIENT_ADMIN', client: 'globex' };

describe.each(databases)('grants and instructions on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let replica: TestApp;
  let acme: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    replica = await app.replica();
    acme = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    const globex = (await app.services.clients.register({ slug: 'globex', name: 'Globex' }, 'test')).id;
    await insertCustomer(app, acme, { firstName: 'Ada', email: 'ada@example.org', residency: 'GB' });
    await insertCustomer(app, globex, { firstName: 'Eve', email: 'eve@example.org', residency: 'FR' });
  });
  afterAll(async () => {
    expect([...app.internalErrors, ...replica.internalErrors]).toEqual([]);
    await replica.close();
    await app.close();
    await database.drop();
  });

  /** What a mutation answers, or the code of its refusal. */
  const mutate = async (asker: Asker | undefined, field: string, input: object) => {
    const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
    const named = field.startsWith('withdraw') ? 'WithdrawInput' : type;
    const kind = field.endsWith('Purpose') ? 'grant' : 'instruction';
    const document = `mutation ($input: ${named}!) { ${field}(input: $input) { ${kind} { id reason withdrawnAt } } }`;
    const { data, errors } = await app.ask(asker, undefined, document, { input });
    const payload = data?.[field] as { [kind: string]: { id: string; withdrawnAt: string | null } } | undefined;
    return { id: payload?.[kind]?.id ?? '', record: payload?.[kind], code: errors?.[0]?.extensions.code, errors };
  };
  const instruct = async (terms: object) => {
    const given = await mutate(admin, 'giveInstruction', { purpose: 'SUPPORT', reason: 'ticket 4711', ...terms });
    expect(given.errors).toBeUndefined();
    return given.id;
  };
  const grant = async (terms: object) => {
    const given = await mutate(officer, 'grantPurpose', { reason: 'because', ...terms });
    expect(given.errors).toBeUndefined();
    return given.id;
  };
  const withdraw = async (field: 'withdrawPurpose' | 'withdrawInstruction', id: string) => {
    const done = await mutate(admin, field, { id, reason: 'over' });
    expect(done.record?.withdrawnAt).toMatch(/^\d{4}-\d{2}-\d{2}T.*Z$/);
  };
  /** The first customer as both replicas give it; they must agree. A refusal of the whole is its code. */
  const read = async (asker: Asker, purpose: ProcessingPurpose = 'SUPPORT', document = people) => {
    const answers = [];
    for (const each of [app, replica, app]) {
      const { data, errors } = await each.ask(asker, purpose, document);
      const list = data?.customers as { nodes: Array<Record<string, unknown>> } | null | undefined;
      answers.push(list ? list.nodes : errors?.[0]?.extensions.code);
      if (!list) expect(JSON.stringify(data ?? null)).toBe('null');
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    return answers[0];
  };
  const clear = [{ firstName: 'Ada', email: 'ada@example.org', residency: 'GB' }];

  describe('platform staff', () => {
    const staff: Asker = { role: 'PLATFORM_STAFF', client: 'acme', subject: 'sam@platform' };

    test('read nothing of a client without an instruction', async () => {
      expect(await read(staff)).toBe('PURPOSE_NOT_GRANTED');
      expect(await read({ ...staff, role: 'PLATFORM_PRIVACY_OFFICER' })).toBe('PURPOSE_NOT_GRANTED');
    });

    test('read for its purpose from the next request on, and no more from the next after it is withdrawn', async () => {
      const id = await instruct({});
      expect(await read(staff)).toEqual(clear);
      expect(await read(staff, 'LEGAL')).toBe('PURPOSE_NOT_GRANTED');
      expect(await read({ ...staff, client: 'globex' })).toBe('PURPOSE_NOT_GRANTED');
      expect(await read({ ...staff, purposes: ['LEGAL'] })).toBe('PURPOSE_NOT_GRANTED');
      await withdraw('withdrawInstruction', id);
      expect(await read(staff)).toBe('PURPOSE_NOT_GRANTED');
    });

    test('read by their own instruction alone', async () => {
      const id = await instruct({ principal: 'kim@platform' });
      expect(await read(staff)).toBe('PURPOSE_NOT_GRANTED');
      expect(await read({ ...staff, subject: 'kim@platform' })).toEqual(clear);
      expect(await read({ ...staff, subject: 'KIM@platform' })).toBe('PURPOSE_NOT_GRANTED');
      expect(await read({ role: 'CLIENT_APP', client: 'globex', subject: 'kim@platform' })).toEqual([
        { firstName: 'Eve', email: 'eve@example.org', residency: 'FR' },
      ]);
      await withdraw('withdrawInstruction', id);
    });

    test.each([
      ['not yet', { validFrom: hence(1) }],
      ['no longer', { validFrom: hence(-2), validTo: hence(-1) }],
    ])('read nothing by one that is %s in force', async (_, terms) => {
      await instruct(terms);
      expect(await read(staff)).toBe('PURPOSE_NOT_GRANTED');
    });

    test('read within its scope only, and the rule names the instruction', async () => {
      const id = await instruct({ categories: ['NAME', 'DEMOGRAPHIC'], validFrom: hence(-1), validTo: hence(1) });
      expect(await read(staff)).toEqual([{ firstName: 'Ada', email: null, residency: 'GB' }]);
      const { errors } = await app.ask(staff, 'SUPPORT', people);
      expect(errors).toMatchObject([
        {
          path: ['customers', 'nodes', 0, 'email'],
          extensions: { code: 'PURPOSE_NOT_GRANTED', coordinate: 'Customer.email', rule: `scope of instruction ${id}` },
        },
      ]);
      await withdraw('withdrawInstruction', id);
    });

    test('that also claim a client’s role have neither: nobody instructs himself', async () => {
      const both: Asker = { ...staff, also: ['CLIENT_ADMIN'] };
      const input = { purpose: 'SUPPORT', reason: 'self-service' };
      expect((await mutate(both, 'giveInstruction', input)).code).toBe('FORBIDDEN');
      expect(await read(both)).toBe('PURPOSE_NOT_GRANTED');
    });
  });

  describe('a client’s own people', () => {
    const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme', subject: 'lee@acme' };

    test('read for what their role was granted, if the token names it too', async () => {
      expect(await read(agent)).toEqual(clear);
      expect(await read({ ...agent, purposes: ['SECURITY'] })).toBe('PURPOSE_NOT_GRANTED');
      expect(await read(agent, 'LEGAL')).toBe('PURPOSE_NOT_GRANTED');
    });

    test('read by a grant to one principal, until it is withdrawn', async () => {
      const id = await grant({ granteeKind: 'PRINCIPAL', grantee: 'lee@acme', purpose: 'LEGAL' });
      expect(await read(agent, 'LEGAL')).toEqual(clear);
      expect(await read({ ...agent, subject: 'kay@acme' }, 'LEGAL')).toBe('PURPOSE_NOT_GRANTED');
      expect(await read({ ...agent, purposes: ['SUPPORT'] }, 'LEGAL')).toBe('PURPOSE_NOT_GRANTED');
      // A grant is the client's to its own: of that name, outsiders are somebody else.
      for (const role of ['PLATFORM_STAFF', 'AUDITOR', 'PARTNER', 'SUB_PROCESSOR'] as const) {
        expect(await read({ ...agent, role }, 'LEGAL')).toBe('PURPOSE_NOT_GRANTED');
      }
      await withdraw('withdrawPurpose', id);
      expect(await read(agent, 'LEGAL')).toBe('PURPOSE_NOT_GRANTED');
    });

    test.each([
      ['not yet', { validFrom: hence(1) }],
      ['no longer', { validFrom: hence(-2), validTo: hence(-1) }],
    ])('read nothing by a grant that is %s in force', async (_, terms) => {
      await grant({ granteeKind: 'PRINCIPAL', grantee: 'lee@acme', purpose: 'LEGAL', ...terms });
      expect(await read(agent, 'LEGAL')).toBe('PURPOSE_NOT_GRANTED');
    });

    test('read by several narrow grants what they cover together; the rule names them', async () => {
      const terms = { granteeKind: 'PRINCIPAL', grantee: 'lee@acme', purpose: 'LEGAL' };
      const names = await grant({ ...terms, categories: ['NAME'] });
      const rest = await grant({ ...terms, categories: ['DEMOGRAPHIC'] });
      expect(await read(agent, 'LEGAL')).toEqual([{ firstName: 'Ada', email: null, residency: 'GB' }]);
      const { errors } = await app.ask(agent, 'LEGAL', people);
      expect(errors?.[0]?.extensions.rule).toBe(`scope of grant ${names}, grant ${rest}`);
      await withdraw('withdrawPurpose', rest);
      expect(await read(agent, 'LEGAL')).toEqual([{ firstName: 'Ada', email: null, residency: null }]);
      const all = await grant(terms);
      expect(await read(agent, 'LEGAL')).toEqual(clear);
      await withdraw('withdrawPurpose', names);
      await withdraw('withdrawPurpose', all);
    });

    test('a scope holds as well where only the document states the purpose', async () => {
      const terms = { granteeKind: 'PRINCIPAL', grantee: 'lee@acme', purpose: 'LEGAL' };
      const id = await grant({ ...terms, categories: ['NAME'] });
      const { data, errors } = await app.ask(agent, undefined, `query @purpose(is: LEGAL) ${people}`);
      expect(data).toEqual({ customers: { nodes: [{ firstName: 'Ada', email: null, residency: null }] } });
      expect(errors?.map(({ extensions }) => extensions.rule)).toEqual(Array(2).fill(`scope of grant ${id}`));
      await withdraw('withdrawPurpose', id);
    });

    test('whose role’s standing grant is withdrawn read for it no more; the others do', async () => {
      const { data } = await app.ask(admin, undefined, '{ purposeGrants { id grantee purpose } }');
      const grants = (data as { purposeGrants: Array<{ id: string; grantee: string; purpose: string }> }).purposeGrants;
      const standing = grants.find(({ grantee, purpose }) => grantee === 'CLIENT_AGENT' && purpose === 'SECURITY');
      await withdraw('withdrawPurpose', standing?.id ?? '');
      expect(await read(agent, 'SECURITY')).toBe('PURPOSE_NOT_GRANTED');
      expect(await read(admin, 'SECURITY')).toMatchObject([{ residency: 'GB' }]);
    });
  });

  describe('records', () => {
    const input = { granteeKind: 'ROLE', grantee: 'CLIENT_AGENT', purpose: 'SUPPORT', reason: 'because' };
    const instruction = { purpose: 'SUPPORT', reason: 'because' };

    test.each([
      ['no reason', 'grantPurpose', { ...input, reason: ' ' }],
      ['a reason without end', 'grantPurpose', { ...input, reason: 'CANARY '.repeat(100) }],
      ['an end before its beginning', 'grantPurpose', { ...input, validFrom: hence(2), validTo: hence(1) }],
      ['an empty scope', 'grantPurpose', { ...input, categories: [] }],
      ['no grantee', 'grantPurpose', { ...input, granteeKind: 'PRINCIPAL', grantee: '' }],
      ['a grantee without end', 'grantPurpose', { ...input, granteeKind: 'PRINCIPAL', grantee: 'CANARY'.repeat(99) }],
      ['a role of the platform', 'grantPurpose', { ...input, grantee: 'PLATFORM_STAFF' }],
      ['a role that is none', 'grantPurpose', { ...input, grantee: 'CANARY' }],
      ['no reason', 'giveInstruction', { ...instruction, reason: '' }],
      ['an empty principal', 'giveInstruction', { ...instruction, principal: '' }],
      ['a purpose that is none', 'giveInstruction', { ...instruction, purpose: 'CANARY' }],
      ['a category that is none', 'giveInstruction', { ...instruction, categories: ['CANARY'] }],
    ])('with %s are refused, and the answer does not repeat it: %s', async (_, field, wrong) => {
      const { code, errors } = await mutate(admin, field, wrong);
      expect(code).toBe('BAD_USER_INPUT');
      expect(JSON.stringify(errors)).not.toContain('CANARY');
    });

    test('are withdrawn once, by their own client, with a reason', async () => {
      const id = await grant({ ...input, grantee: 'CLIENT_APP', purpose: 'LEGAL' });
      expect((await mutate(stranger, 'withdrawPurpose', { id, reason: 'x' })).code).toBe('NOT_FOUND');
      expect((await mutate(admin, 'withdrawInstruction', { id, reason: 'x' })).code).toBe('NOT_FOUND');
      expect((await mutate(admin, 'withdrawPurpose', { id, reason: '' })).code).toBe('BAD_USER_INPUT');
      for (const odd of ['', 'é', 'x', "' OR ''='"]) {
        expect((await mutate(admin, 'withdrawPurpose', { id: odd, reason: 'x' })).code).toBe('NOT_FOUND');
      }
      expect(await read({ role: 'CLIENT_APP', client: 'acme' }, 'LEGAL')).toEqual(clear);
      await withdraw('withdrawPurpose', id);
      expect((await mutate(admin, 'withdrawPurpose', { id, reason: 'x' })).code).toBe('CONFLICT');
      expect(await read({ role: 'CLIENT_APP', client: 'acme' }, 'LEGAL')).toBe('PURPOSE_NOT_GRANTED');
    });

    test('S1: a client lists its own, withdrawn and expired ones included, and never another’s', async () => {
      const document = `{ purposeGrants { id reason grantee categories withdrawnReason givenBy }
        clientInstructions { id reason principal withdrawnReason } }`;
      const mine = JSON.stringify(await app.ask(admin, undefined, document));
      expect(mine).toMatch(/ticket 4711.*"over"/);
      const theirs = JSON.stringify(await app.ask(stranger, undefined, document));
      expect(theirs).toContain('"clientInstructions":[]');
      expect(theirs).not.toMatch(/lee@acme|because|"over"/);
      const auditor: Asker = { role: 'AUDITOR', client: 'acme' };
      expect(JSON.stringify(await app.ask(auditor, undefined, document))).toBe(mine);
    });

    test.each([
      ['grantPurpose', input],
      ['giveInstruction', instruction],
      ['withdrawPurpose', { id: 'x', reason: 'x' }],
      ['withdrawInstruction', { id: 'x', reason: 'x' }],
    ])('%s is for administrators and privacy officers of the client', async (field, given) => {
      for (const role of ['CLIENT_AGENT', 'PLATFORM_STAFF', 'PLATFORM_PRIVACY_OFFICER', 'AUDITOR'] as const) {
        expect((await mutate({ role, client: 'acme' }, field, given)).code).toBe('FORBIDDEN');
      }
      // Their contracts do not show it.
      for (const role of ['CLIENT_APP', 'PARTNER', 'SUB_PROCESSOR'] as const) {
        expect((await mutate({ role, client: 'acme' }, field, given)).code).toBe('GRAPHQL_VALIDATION_FAILED');
      }
      expect((await mutate({ role: 'CLIENT_ADMIN' }, field, given)).code).toBe('FORBIDDEN');
      expect((await mutate({ role: 'CLIENT_ADMIN', client: 'nobody' }, field, given)).code).toBe('FORBIDDEN');
      // Without a token there is the contract of client apps, and no data.
      expect((await mutate(undefined, field, given)).code).toBe('GRAPHQL_VALIDATION_FAILED');
    });
  });
});
