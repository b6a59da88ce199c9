import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import { AccessService, type PolicySource } from '../../src/identity/access-service';
import type { Role } from '../../src/identity/caller';
import { ClientInstruction } from '../../src/identity/client-instruction';
import { bumpPolicy, policyVersions } from '../../src/identity/policy-version';
import { GranteeKind, PurposeGrant } from '../../src/identity/purpose-grant';
import { VersionedFacts } from '../../src/identity/versioned-facts';
import { RegisterPolicySource } from '../../src/register/policy-source';
import { inTransaction } from '../../src/storage/transaction';
import { type Asker, claimsOf, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer } from '../support/rows';
import { recordSql } from '../support/sql-log';

const HOUR = 3_600_000;
const staff: Asker = { role: 'PLATFORM_STAFF', subject: 'sam@platform' };
const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
const people = '{ customers { nodes { firstName email } } }';
const clear = [{ firstName: 'Ada', email: 'ada@example.org' }];
const viewer = '{ viewer { principal roles client country scopes purposes } }';

describe.each(databases)('the access service on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let replica: TestApp;
  let acme: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    replica = await app.replica();
    acme = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    await app.services.clients.register({ slug: 'globex', name: 'Globex' }, 'test');
    await insertCustomer(app, acme, { firstName: 'Ada', email: 'ada@example.org' });
  });
  afterAll(async () => {
    expect([...app.internalErrors, ...replica.internalErrors]).toEqual([]);
    await replica.close();
    await app.close();
    await database.drop();
  });

  const ask = async (asker: Asker | undefined, document: string, input?: object, purpose?: ProcessingPurpose) => {
    const { data, errors } = await app.ask(asker, purpose, document, input && { input });
    return { data, errors, code: errors?.[0]?.extensions.code };
  };
  /** The customers as both replicas give them, or the code of the refusal. */
  const read = async (asker: Asker, purpose: ProcessingPurpose = 'SUPPORT') => {
    const answers = [];
    for (const each of [app, replica]) {
      const { data, errors } = await each.ask(asker, purpose, people);
      const list = data?.customers as { nodes: unknown[] } | null | undefined;
      answers.push(list ? list.nodes : errors?.[0]?.extensions.code);
    }
    expect(answers[1]).toEqual(answers[0]);
    return answers[0];
  };
  const whoIs = async (asker: Asker) => (await ask(asker, viewer)).data?.viewer as Record<string, unknown>;

  describe('whom a token makes of its bearer', () => {
    test.each(['acme', 'its id'])('the client is named by %s', async (name) => {
      const client = name === 'its id' ? acme : name;
      expect(await read({ ...agent, client })).toEqual(clear);
      expect(await whoIs({ ...agent, client })).toMatchObject({ client: 'acme', country: 'DE' });
    });

    test.each([
      'nobody',
      'ACME',
      ' acme',
      'acmé',
      '',
      'register',
      'platform',
      "' OR ''='",
      '00000000-0000-7000-8000-000000000007',
    ])('a tenant that is no client has nothing: %p', async (client) => {
      expect(await read({ ...agent, client })).toBe('PURPOSE_NOT_GRANTED');
      expect(await whoIs({ ...agent, client })).toMatchObject({ client: null, purposes: [] });
    });

    const mixtures: Array<[Role, Role]> = [
      ['PARTNER', 'CLIENT_ADMIN'],
      ['PARTNER', 'CLIENT_APP'],
      ['SUB_PROCESSOR', 'CLIENT_APP'],
      ['SUB_PROCESSOR', 'PARTNER'],
      ['PLATFORM_STAFF', 'CLIENT_ADMIN'],
      ['PLATFORM_STAFF', 'SUB_PROCESSOR'],
      ['AUDITOR', 'CLIENT_AGENT'],
      ['AUDITOR', 'PLATFORM_STAFF'],
    ];
    test.each(mixtures)('%s and %s together are neither', async (role, other) => {
      for (const [first, second] of [
        [role, other],
        [other, role],
      ] as const) {
        const mixed: Asker = { role: first, also: [second], client: 'acme' };
        expect(await whoIs(mixed)).toMatchObject({ roles: [], purposes: [] });
        expect(await read(mixed)).toBe('PURPOSE_NOT_GRANTED');
      }
    });

    test('roles of one side add up', async () => {
      const both: Asker = { role: 'CLIENT_APP', also: ['CLIENT_ADMIN'], client: 'acme' };
      expect(await whoIs(both)).toMatchObject({ roles: ['CLIENT_APP', 'CLIENT_ADMIN'] });
      expect(await read(both, 'LEGAL')).toEqual(clear);
    });

    test('a token without a role sees nothing of the client, not even its name', async () => {
      const bare = { ...claimsOf(agent), roles: [] };
      const context = await app.services.accessService.contextFor(bare, 'SUPPORT');
      for (const document of [
        '{ client { name } }',
        '{ installations { id } }',
        '{ thirdPartyApplications { slug } }',
      ]) {
        const result = await app.contracts.api.execute({ document, contextValue: context, access: context.access });
        expect(result.errors?.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
      }
      expect(context.access.grantedPurposes).toEqual([]);
    });

    test('nobody reads what is public, and nothing that is governed', async () => {
      expect((await ask(undefined, '{ subProcessors { slug } viewer { principal } }')).data).toEqual({
        subProcessors: [],
        viewer: null,
      });
      const governed = [
        people,
        '{ customer(id: "x") { id } }',
        '{ customerLookup(by: { externalId: "x" }) { email } }',
      ];
      for (const document of governed) {
        for (const purpose of ['SUPPORT', undefined] as const) {
          expect(await ask(undefined, document, undefined, purpose)).toMatchObject({ code: 'UNAUTHENTICATED' });
        }
      }
      for (const document of [
        '{ client { name } }',
        '{ installations { id } }',
        '{ thirdPartyApplications { slug } }',
      ]) {
        expect((await ask(undefined, document)).code).toBe('UNAUTHENTICATED');
      }
    });

    test('an auditor reads no personal data, whatever it was granted', async () => {
      const auditor: Asker = { role: 'AUDITOR', client: 'acme', subject: 'audit@acme' };
      const terms = { purpose: 'SUPPORT', reason: 'x' } as const;
      const actor = { client: acme, principal: 'test' };
      await app.services.records.grant(actor, { ...terms, granteeKind: GranteeKind.PRINCIPAL, grantee: 'audit@acme' });
      await app.services.records.grant(actor, { ...terms, granteeKind: GranteeKind.ROLE, grantee: 'AUDITOR' });
      const { id } = await app.services.records.instruct(actor, terms);
      expect(await read(auditor)).toBe('PURPOSE_NOT_GRANTED');
      expect((await ask(auditor, '{ client { users { nodes { name } } } }', undefined, 'SUPPORT')).code).toBe(
        'PURPOSE_NOT_GRANTED',
      );
      await app.services.records.withdraw(ClientInstruction, actor, id, 'over');
    });

    test('a client whose key is destroyed does not exist any more', async () => {
      const gone = await app.services.clients.register({ slug: 'gone', name: 'Gone' }, 'test');
      expect(await whoIs({ ...agent, client: 'gone' })).toMatchObject({ client: 'gone' });
      await app.stores.keys.destroyClientKey(gone.id);
      expect(await whoIs({ ...agent, client: 'gone' })).toMatchObject({ client: null, purposes: [] });
    });
  });

  describe('agreements', () => {
    const sign = (input: object) =>
      ask(admin, 'mutation ($input: SignAgreementInput!) { signAgreement(input: $input) { agreement { id } } }', input);
    const health = '{ customers { nodes { firstName healthRecords { nodes { note } } } } }';
    const at = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();

    test('R2: one that closes a purpose closes it for everybody at the client, and is cited', async () => {
      await sign({
        kind: 'DPA',
        version: '2026-11',
        excludedPurposes: ['IMPROVEMENT'],
        effectiveFrom: at(1),
        effectiveTo: at(2),
      });
      const { data } = await ask(agent, '{ customers { nodes { email } } }', undefined, 'IMPROVEMENT');
      expect(data).toMatchObject({ customers: { nodes: [{ email: expect.stringMatching(/^p_/) }] } });
      await sign({ kind: 'DPA', version: '2026-12', excludedPurposes: ['IMPROVEMENT'] });
      for (const asker of [agent, admin]) {
        const closed = await ask(asker, '{ customers { nodes { email } } }', undefined, 'IMPROVEMENT');
        expect(closed.data).toEqual({ customers: null });
        const extensions = {
          code: 'PURPOSE_NOT_PERMITTED',
          rule: 'agreement DPA 2026-12',
          coordinate: 'Query.customers',
        };
        expect(closed.errors).toMatchObject([{ extensions }]);
      }
      expect(await read(agent)).toEqual(clear);
      const elsewhere = await ask({ ...agent, client: 'globex' }, people, undefined, 'IMPROVEMENT');
      expect(elsewhere.code).toBeUndefined();
    });

    test('health data needs one in force: neither over nor yet to come', async () => {
      const required = [
        {
          path: ['customers', 'nodes', 0, 'healthRecords'],
          extensions: {
            code: 'AGREEMENT_REQUIRED',
            rule: '@requiresAgreement(kind: HEALTH) on HealthRecord.kind',
          },
        },
      ];
      const answer = () => ask(agent, health, undefined, 'SUPPORT');
      expect((await answer()).errors).toMatchObject(required);
      await sign({ kind: 'HEALTH', version: 'past', effectiveFrom: at(-2), effectiveTo: at(-1) });
      expect((await answer()).errors).toMatchObject(required);
      await sign({ kind: 'HEALTH', version: 'future', effectiveFrom: at(1) });
      expect((await answer()).errors).toMatchObject(required);
      await sign({ kind: 'MASTER', version: 'other kind' });
      expect((await answer()).errors).toMatchObject(required);
      await sign({ kind: 'HEALTH', version: 'now' });
      expect(await answer()).toMatchObject({
        code: undefined,
        data: { customers: { nodes: [{ healthRecords: { nodes: [] } }] } },
      });
      // An agreement of another test excludes IMPROVEMENT for everybody's rows; health is read for SECURITY by no law.
      for (const [purpose, coordinate] of [
        ['IMPROVEMENT', 'Query.customers'],
        ['SECURITY', 'Customer.healthRecords'],
      ] as const) {
        const withheld = (await ask(agent, health, undefined, purpose)).errors?.map(({ extensions }) => extensions);
        expect(withheld).toContainEqual(expect.objectContaining({ code: 'PURPOSE_NOT_PERMITTED', coordinate }));
      }
      expect((await ask({ ...agent, client: 'globex' }, health, undefined, 'SUPPORT')).code).toBeUndefined();
    });
  });

  describe('a third-party application', () => {
    const register = async (slug: string, privacyNoticeVersion = '1') => {
      const document = `mutation ($input: RegisterThirdPartyApplicationInput!) {
        registerThirdPartyApplication(input: $input) { application { id } } }`;
      const input = {
        slug,
        name: slug,
        publisher: 'P',
        country: 'IE',
        scopes: ['crm:read'],
        privacyNoticeVersion,
        privacyNoticeUrl: 'https://publisher.example/privacy',
      };
      const { data } = await ask(staff, document, input);
      return (data as { registerThirdPartyApplication: { application: { id: string } } }).registerThirdPartyApplication
        .application.id;
    };
    const install = (applicationId: string, acceptedNoticeVersion: string, terms: object = {}, asker = admin) => {
      const document = `mutation ($input: InstallThirdPartyApplicationInput!) {
        installThirdPartyApplication(input: $input) { installation { id inForce } } }`;
      return ask(asker, document, { applicationId, acceptedNoticeVersion, purposes: ['SUPPORT'], ...terms });
    };
    const partner = (subject: string): Asker => ({
      role: 'PARTNER',
      client: 'acme',
      subject,
      country: 'US',
      scopes: ['crm:read', 'crm:admin'],
    });

    test('reads through an installation in force alone, by its slug or its id, for what it was installed for', async () => {
      const id = await register('mailer');
      expect(await read(partner('mailer'))).toBe('PURPOSE_NOT_GRANTED');
      expect(await install(id, '1')).toMatchObject({
        data: { installThirdPartyApplication: { installation: { inForce: true } } },
      });
      expect(await read(partner('mailer'))).toEqual(clear);
      expect(await read(partner(id))).toEqual(clear);
      expect(await read(partner('mailer'), 'SERVICE_DELIVERY')).toBe('PURPOSE_NOT_GRANTED');
      expect(await read({ ...partner('mailer'), client: 'globex' })).toBe('PURPOSE_NOT_GRANTED');
      expect(await read({ ...partner('mailer'), purposes: [] })).toBe('PURPOSE_NOT_GRANTED');
      await register('other');
      for (const subject of ['other', 'MAILER', 'mailer ', 'mailér', 'unknown', 'partner@test']) {
        expect(await read(partner(subject))).toBe('PURPOSE_NOT_GRANTED');
      }
    });

    test('its country and scopes are the register’s, whatever its token says', async () => {
      expect(await whoIs(partner('mailer'))).toMatchObject({ country: 'IE', scopes: ['crm:read'] });
      expect(await whoIs({ ...partner('mailer'), scopes: [] })).toMatchObject({ scopes: [] });
      expect(await whoIs(partner('unknown'))).toMatchObject({ country: null, scopes: [], purposes: [] });
      expect(await whoIs({ ...agent, country: 'US' })).toMatchObject({ country: 'US' });
    });

    test('S3: a new notice suspends it until that version is accepted', async () => {
      const id = await register('mailer', '2');
      expect(await read(partner('mailer'))).toBe('PURPOSE_NOT_GRANTED');
      for (const wrong of ['1', '', '2 ', '3']) {
        expect((await install(id, wrong)).errors).toMatchObject([
          { extensions: { code: 'PRIVACY_NOTICE_NOT_ACCEPTED', version: '2' } },
        ]);
      }
      expect(await read(partner('mailer'))).toBe('PURPOSE_NOT_GRANTED');
      expect((await install(id, '2')).code).toBeUndefined();
      expect(await read(partner('mailer'))).toEqual(clear);
    });

    test('installed again for less, it reads less', async () => {
      const id = await register('mailer', '2');
      await install(id, '2', { purposes: ['SUPPORT', 'SERVICE_DELIVERY'] });
      expect(await read(partner('mailer'), 'SERVICE_DELIVERY')).toEqual(clear);
      await install(id, '2', { purposes: ['SUPPORT'], categories: ['NAME'] });
      expect(await read(partner('mailer'), 'SERVICE_DELIVERY')).toBe('PURPOSE_NOT_GRANTED');
      expect(await read(partner('mailer'))).toEqual([{ firstName: 'Ada', email: null }]);
      await install(id, '2', { purposes: [] });
      expect(await read(partner('mailer'))).toBe('PURPOSE_NOT_GRANTED');
    });

    test('a grant alone installs nothing', async () => {
      const id = await register('sneaky');
      const document = 'mutation ($input: GrantPurposeInput!) { grantPurpose(input: $input) { grant { id } } }';
      const terms = { granteeKind: 'APPLICATION', purpose: 'SUPPORT', reason: 'x' };
      for (const grantee of [id, 'sneaky'])
        expect((await ask(admin, document, { ...terms, grantee })).code).toBeUndefined();
      expect(await read(partner('sneaky'))).toBe('PURPOSE_NOT_GRANTED');
      expect(await read(partner(id))).toBe('PURPOSE_NOT_GRANTED');
    });
  });

  describe('a sub-processor', () => {
    const register = async (slug: string, terms: object = {}) => {
      const document =
        'mutation ($input: RegisterSubProcessorInput!) { registerSubProcessor(input: $input) { subProcessor { id } } }';
      const input = {
        slug,
        name: slug,
        service: 'S',
        country: 'IE',
        purposes: ['SUPPORT'],
        categories: ['NAME'],
        ...terms,
      };
      const { data } = await ask(staff, document, input);
      return (data as { registerSubProcessor: { subProcessor: { id: string } } }).registerSubProcessor.subProcessor.id;
    };
    const bearer = (subject: string): Asker => ({ role: 'SUB_PROCESSOR', client: 'acme', subject, country: 'US' });
    const at = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();

    test('reads its registered categories for its registered purposes, and the rule names it', async () => {
      const id = await register('helpdesk');
      for (const subject of ['helpdesk', id]) {
        expect(await read(bearer(subject))).toEqual([{ firstName: 'Ada', email: null }]);
        expect(await read(bearer(subject), 'SERVICE_DELIVERY')).toBe('PURPOSE_NOT_GRANTED');
      }
      expect((await ask(bearer('helpdesk'), people, undefined, 'SUPPORT')).errors).toMatchObject([
        { extensions: { code: 'PURPOSE_NOT_GRANTED', rule: 'scope of sub-processor helpdesk' } },
      ]);
      expect(await read({ ...bearer('helpdesk'), role: 'PARTNER' })).toBe('PURPOSE_NOT_GRANTED');
      expect(await read(bearer('unknown'))).toBe('PURPOSE_NOT_GRANTED');
      expect(await whoIs(bearer('helpdesk'))).toMatchObject({ country: 'IE' });
      expect(await whoIs(bearer('unknown'))).toMatchObject({ country: null });
    });

    test('reads while it is engaged; new terms reach the next request', async () => {
      await register('helpdesk', { engagedFrom: at(1) });
      expect(await read(bearer('helpdesk'))).toBe('PURPOSE_NOT_GRANTED');
      await register('helpdesk', { engagedFrom: at(-2), engagedTo: at(-1) });
      expect(await read(bearer('helpdesk'))).toBe('PURPOSE_NOT_GRANTED');
      await register('helpdesk', { engagedFrom: at(-2), categories: ['NAME', 'CONTACT'] });
      expect(await read(bearer('helpdesk'))).toEqual(clear);
      await register('helpdesk', { engagedFrom: at(-2), purposes: [] });
      expect(await read(bearer('helpdesk'))).toBe('PURPOSE_NOT_GRANTED');
    });
  });

  describe('policies are kept by version', () => {
    const actor = { principal: 'test' };
    const rights = async (accessService: AccessService, subject = 'lee@acme') =>
      (await accessService.contextFor(claimsOf({ ...agent, subject }), 'LEGAL')).access.grantedPurposes.includes(
        'LEGAL',
      );
    const grantTo = (grantee: string, more: object = {}) =>
      app.services.records.grant(
        { ...actor, client: acme },
        { granteeKind: GranteeKind.PRINCIPAL, grantee, purpose: 'LEGAL', reason: 'x', ...more },
      );
    const accessServiceWith = (change: Partial<PolicySource> = {}, now?: () => number) => {
      const { clients, parties, records } = app.services;
      const real = new RegisterPolicySource(app.stores.regions, clients, parties, records);
      const source: PolicySource = {
        client: (reference: string) => real.client(reference),
        register: (from) => real.register(from),
        terms: (from, id) => real.terms(from, id),
        ...change,
      };
      return {
        accessService: new AccessService(
          app.stores.regions,
          app.stores.keys,
          source,
          app.services.transfers.rules,
          now,
        ),
        real,
      };
    };

    test('time alone begins and ends rights, of policies that were read before', async () => {
      let now = Date.now();
      const { accessService } = accessServiceWith({}, () => now);
      const [from, to] = [now + HOUR, now + 2 * HOUR];
      await grantTo('lee@acme', { validFrom: new Date(from), validTo: new Date(to) });
      const seen = [];
      for (const moment of [now, from - 1, from, to - 1, to, to + HOUR]) {
        now = moment;
        seen.push(await rights(accessService));
      }
      expect(seen).toEqual([false, false, true, true, false, false]);
    });

    test('an engagement that begins or ends needs no change of the register to be felt', async () => {
      let now = Date.now();
      const { accessService } = accessServiceWith({}, () => now);
      await app.services.parties.registerSubProcessor({
        slug: 'later',
        name: 'L',
        service: 'S',
        country: 'IE',
        purposes: ['LEGAL'],
        categories: ['NAME'],
        engagedFrom: new Date(now + HOUR),
        engagedTo: new Date(now + 2 * HOUR),
      });
      const bearer = claimsOf({ role: 'SUB_PROCESSOR', client: 'acme', subject: 'later' });
      const seen = [];
      for (const moment of [now, now + HOUR, now + 2 * HOUR]) {
        now = moment;
        const { access, country } = await accessService.contextFor(bearer, 'LEGAL');
        seen.push([access.grantedPurposes, country]);
      }
      expect(seen).toEqual([
        [[], 'IE'],
        [['LEGAL'], 'IE'],
        [[], 'IE'],
      ]);
    });

    test('a policy is read anew after a change only', async () => {
      let reads = 0;
      const { accessService } = accessServiceWith({
        terms: (from, id) => {
          reads++;
          return app.services.policies.terms(from, id);
        },
      });
      const ask = (times: number) => Promise.all(Array.from({ length: times }, () => rights(accessService)));
      await ask(5);
      await ask(5);
      expect(reads).toBe(1);
      await grantTo('someone@acme');
      await ask(5);
      await ask(5);
      expect(reads).toBe(2);
    });

    test('known callers who ask together wait for one read of the versions, and for nothing else', async () => {
      const ask = (times: number) =>
        Promise.all(Array.from({ length: times }, () => rights(app.services.accessService)));
      await ask(2);
      const sql = recordSql(app.stores.regions.home);
      await ask(5);
      expect(sql.take().map((statement) => statement.sql)).toEqual([expect.stringContaining('FROM policy_version')]);
    });

    test('a change of another process while a policy is read belongs to the next version', async () => {
      const other = await app.replica();
      for (const isBefore of [true, false]) {
        const { id } = await grantTo('race@acme');
        let meanwhile: (() => Promise<unknown>) | undefined = () =>
          other.services.records.withdraw(PurposeGrant, { ...actor, client: acme }, id, 'over');
        const { accessService, real } = accessServiceWith({
          terms: async (from, client) => {
            const change = meanwhile;
            meanwhile = undefined;
            if (isBefore) await change?.();
            const terms = await real.terms(from, client);
            if (!isBefore) await change?.();
            return terms;
          },
        });
        const before = await policyVersions(app.stores.regions, acme);
        const { access } = await accessService.contextFor(claimsOf({ ...agent, subject: 'race@acme' }), 'LEGAL');
        expect(access.policyVersion).toBe(`${before.client}.${before.register}`);
        expect(access.grantedPurposes).toContain('LEGAL');
        expect(await rights(accessService, 'race@acme')).toBe(false);
      }
      await other.close();
    });

    test('a database that is behind the version which a request has seen gives nothing', async () => {
      const { accessService } = accessServiceWith();
      await grantTo('behind@acme');
      expect(await rights(accessService, 'behind@acme')).toBe(true);
      const facts = new VersionedFacts(app.stores.regions, () => Promise.resolve('facts'));
      const { client } = await policyVersions(app.stores.regions, acme);
      expect(await facts.at(acme, client)).toEqual({ version: client, facts: 'facts' });
      await expect(facts.at(acme, client + 1)).rejects.toThrow(/behind the policy version/);
    });

    test('an erased past costs nothing: what was withdrawn or has ended is not read', async () => {
      const { id } = await grantTo('past@acme');
      await app.services.records.withdraw(PurposeGrant, { ...actor, client: acme }, id, 'over');
      const [validFrom, validTo] = [new Date(Date.now() - 90 * 24 * HOUR), new Date(Date.now() - 60 * 24 * HOUR)];
      const ended = await grantTo('past@acme', { validFrom, validTo });
      const coming = await grantTo('past@acme', { validFrom: new Date(Date.now() + HOUR) });
      const sql = recordSql(app.stores.regions.home);
      const { permissions } = await app.services.policies.policy(acme);
      const statements = sql.take().filter((one) => /FROM `(purpose_grant|client_instruction)`/.test(one.sql));
      expect(statements).toHaveLength(2);
      // The past is found by an index that leaves it out, and so is never counted in rows.
      const source = app.stores.regions.home;
      for (let start = 0; start < 400; start += 100) {
        const rows = Array.from({ length: 100 }, (_, row) => [acme, `past-${start + row}`, 'PRINCIPAL', 'x', 'LEGAL']);
        const places = rows.map(() => "(?, ?, ?, ?, ?, 'x', 1, 2, 'x')").join();
        await source.query(
          `INSERT INTO purpose_grant
             (client_id, id, grantee_kind, grantee, purpose, reason, valid_from, withdrawn_at, given_by)
           VALUES ${places}`,
          rows.flat(),
        );
      }
      const explain = name === 'SQLite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
      const [ofGrants] = statements.filter((one) => one.sql.includes('purpose_grant'));
      const plan = await source.query(`${explain} ${ofGrants?.sql}`, [...(ofGrants?.parameters ?? [])]);
      expect(JSON.stringify(plan)).toContain('purpose_grant_standing');
      const titles = permissions.map(({ title }) => title);
      expect(titles).toContain(`grant ${coming.id}`);
      expect(titles).not.toContain(`grant ${id}`);
      expect(titles).not.toContain(`grant ${ended.id}`);
    });

    test('a change that is rolled back was never seen, and its version names another policy later', async () => {
      const { accessService } = accessServiceWith();
      const { id } = await grantTo('kept@acme');
      expect(await rights(accessService, 'kept@acme')).toBe(true);
      const undone = inTransaction(await app.stores.regions.of(acme), async (manager) => {
        const phantom = {
          granteeKind: GranteeKind.PRINCIPAL,
          grantee: 'phantom@acme',
          purpose: 'LEGAL',
          reason: 'x',
        } as const;
        await app.services.records.draft({ ...actor, client: acme }, [phantom]).write(manager);
        await new Promise((resolve) => setTimeout(resolve, 50));
        throw new Error('undo');
      });
      await new Promise((resolve) => setTimeout(resolve, 10));
      const during = rights(accessService, 'phantom@acme');
      await expect(undone).rejects.toThrow('undo');
      expect(await during).toBe(false);
      await app.services.records.withdraw(PurposeGrant, { ...actor, client: acme }, id, 'over');
      expect(await rights(accessService, 'kept@acme')).toBe(false);
      expect(await rights(accessService, 'phantom@acme')).toBe(false);
    });

    test('changes at a time all count, the first of a scope included', async () => {
      const source = app.stores.regions.home;
      const scope = 'fresh';
      await Promise.all(
        Array.from({ length: 8 }, () => inTransaction(source, (manager) => bumpPolicy(manager, scope))),
      );
      expect(await source.query("SELECT version FROM policy_version WHERE scope = 'fresh'")).toEqual([{ version: 8 }]);
    });
  });
});
