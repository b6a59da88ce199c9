import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const staff: Asker = { role: 'PLATFORM_STAFF', subject: 'sam@platform' };
const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
const stranger: Asker = { role: 'CLIENT_ADMIN', client: 'globex' };
const documents = {
  registerSubProcessor: `mutation ($input: RegisterSubProcessorInput!) { registerSubProcessor(input: $input) {
    subProcessor { id slug name service country purposes categories engagedFrom engagedTo } } }`,
  registerThirdPartyApplication: `mutation ($input: RegisterThirdPartyApplicationInput!) {
    registerThirdPartyApplication(input: $input) { application { id slug name publisher country scopes
    privacyNoticeVersion privacyNoticeUrl privacyNoticeText } } }`,
  installThirdPartyApplication: `mutation ($input: InstallThirdPartyApplicationInput!) {
    installThirdPartyApplication(input: $input) { installation { id acceptedNoticeVersion inForce installedBy application { slug } } } }`,
} as const;
const vendor = {
  slug: 'helpdesk',
  name: 'Helpdesk Inc.',
  service: 'tickets',
  country: 'IE',
  purposes: ['SUPPORT'],
  categories: ['NAME', 'CONTACT'],
};
const mailer = {
  slug: 'mailer',
  name: 'Mailer',
  publisher: 'Post GmbH',
  country: 'DE',
  scopes: ['crm:read'],
  privacyNoticeVersion: '1',
  privacyNoticeUrl: 'https://mailer.example/privacy',
};

describe.each(databases)('third parties on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    for (const slug of ['acme', 'globex']) await app.services.clients.register({ slug, name: slug }, 'test');
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const send = async (field: keyof typeof documents, input: object, asker: Asker = staff) => {
    const { data, errors } = await app.ask(asker, undefined, documents[field], { input });
    const payload = (data?.[field] ?? {}) as Record<string, Record<string, unknown>>;
    return { entry: Object.values(payload)[0] ?? {}, code: errors?.[0]?.extensions.code, errors };
  };

  test('a sub-processor keeps its id under new terms, and everybody may read the list', async () => {
    const first = await send('registerSubProcessor', vendor);
    expect(first).toMatchObject({
      code: undefined,
      entry: { ...vendor, engagedFrom: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/), engagedTo: null },
    });
    const engagedTo = '2030-01-01T00:00:00.000Z';
    const next = await send('registerSubProcessor', {
      ...vendor,
      country: 'US',
      categories: ['NAME', 'NAME'],
      engagedTo,
    });
    expect(next.entry).toEqual({ ...first.entry, country: 'US', categories: ['NAME'], engagedTo });
    const list = '{ subProcessors { id slug name service country purposes categories engagedFrom engagedTo } }';
    const everyone = [undefined, admin, staff, { role: 'PARTNER' }, { role: 'AUDITOR' }] as const;
    for (const asker of everyone)
      expect((await app.ask(asker, undefined, list)).data).toEqual({ subProcessors: [next.entry] });
  });

  test('an application keeps its id under new terms', async () => {
    const first = await send('registerThirdPartyApplication', mailer);
    expect(first).toMatchObject({ code: undefined, entry: mailer });
    const next = await send('registerThirdPartyApplication', { ...mailer, scopes: [], privacyNoticeVersion: ' 2 ' });
    expect(next.entry).toEqual({ ...first.entry, scopes: [], privacyNoticeVersion: '2' });
    const { data } = await app.ask(admin, undefined, '{ thirdPartyApplications { id slug scopes } }');
    expect(data).toEqual({ thirdPartyApplications: [{ id: first.entry.id, slug: 'mailer', scopes: [] }] });
    expect((await send('registerThirdPartyApplication', mailer)).entry.id).toBe(first.entry.id);
  });

  test('registered at a time, a slug is one entry', async () => {
    const racing = await Promise.all([1, 2, 3].map(() => send('registerSubProcessor', { ...vendor, slug: 'racing' })));
    expect(racing.some(({ code }) => code === undefined)).toBe(true);
    expect(racing.every(({ code }) => code === undefined || code === 'CONFLICT')).toBe(true);
    const { data } = await app.ask(undefined, undefined, '{ subProcessors { slug } }');
    expect(JSON.stringify(data).match(/racing/g)).toHaveLength(1);
  });

  test.each([
    ['registerSubProcessor', vendor, { slug: 'CANARY' }],
    ['registerSubProcessor', vendor, { slug: '01890a5d-ac96-774b-bcce-b302099a8057' }],
    ['registerSubProcessor', vendor, { country: 'CANARY' }],
    ['registerSubProcessor', vendor, { name: '' }],
    ['registerSubProcessor', vendor, { service: 'CANARY'.repeat(100) }],
    ['registerSubProcessor', vendor, { purposes: ['CANARY'] }],
    ['registerSubProcessor', vendor, { engagedFrom: '2026-01-02T00:00:00Z', engagedTo: '2026-01-01T00:00:00Z' }],
    ['registerThirdPartyApplication', mailer, { slug: 'canary CANARY' }],
    ['registerThirdPartyApplication', mailer, { country: 'UK' }],
    ['registerThirdPartyApplication', mailer, { publisher: ' ' }],
    ['registerThirdPartyApplication', mailer, { privacyNoticeVersion: '' }],
    ['registerThirdPartyApplication', mailer, { privacyNoticeUrl: null }],
    ['registerThirdPartyApplication', mailer, { privacyNoticeUrl: 'http://mailer.example/privacy' }],
    ['registerThirdPartyApplication', mailer, { privacyNoticeUrl: null, privacyNoticeText: ' ' }],
    ['registerThirdPartyApplication', mailer, { privacyNoticeText: 'x'.repeat(8_001) }],
    ['registerThirdPartyApplication', mailer, { scopes: ['a,CANARY'] }],
    ['registerThirdPartyApplication', mailer, { scopes: ['a CANARY'] }],
    ['registerThirdPartyApplication', mailer, { scopes: ['purpose:LEGAL'] }],
    ['registerThirdPartyApplication', mailer, { scopes: [''] }],
  ] as const)('%s refuses wrong terms and does not repeat them (%#)', async (field, terms, wrong) => {
    const { code, errors } = await send(field, { ...terms, ...wrong });
    expect(code).toBe('BAD_USER_INPUT');
    expect(JSON.stringify(errors)).not.toMatch(/CANARY|01890a5d/);
  });

  test('are registered by the platform alone', async () => {
    for (const role of ['CLIENT_ADMIN', 'CLIENT_PRIVACY_OFFICER', 'CLIENT_AGENT', 'AUDITOR'] as const) {
      const asker: Asker = { role, client: 'acme' };
      expect((await send('registerSubProcessor', vendor, asker)).code).toBe('FORBIDDEN');
      expect((await send('registerThirdPartyApplication', mailer, asker)).code).toBe('FORBIDDEN');
    }
    expect((await send('registerSubProcessor', vendor, { role: 'PARTNER' })).code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  describe('installations', () => {
    const list =
      '{ installations { id acceptedNoticeVersion inForce installedBy application { slug privacyNoticeVersion } } }';
    const install = async (terms: object, asker: Asker = admin) =>
      send('installThirdPartyApplication', { acceptedNoticeVersion: '1', purposes: ['SUPPORT'], ...terms }, asker);
    let applicationId: string;

    beforeAll(async () => {
      applicationId = String((await send('registerThirdPartyApplication', mailer)).entry.id);
    });

    test('need the current notice accepted; a new one puts them out of force until it is', async () => {
      expect((await install({ applicationId, acceptedNoticeVersion: '0' })).errors).toMatchObject([
        { extensions: { code: 'PRIVACY_NOTICE_NOT_ACCEPTED', version: '1' } },
      ]);
      const first = await install({ applicationId });
      expect(first).toMatchObject({
        code: undefined,
        entry: {
          acceptedNoticeVersion: '1',
          inForce: true,
          installedBy: 'client_admin@test',
          application: { slug: 'mailer' },
        },
      });
      await send('registerThirdPartyApplication', { ...mailer, privacyNoticeVersion: '2' });
      expect((await app.ask(admin, undefined, list)).data).toMatchObject({
        installations: [{ id: first.entry.id, acceptedNoticeVersion: '1', inForce: false }],
      });
      const again = await install({ applicationId: 'mailer', acceptedNoticeVersion: '2' });
      expect(again.entry).toMatchObject({ id: first.entry.id, acceptedNoticeVersion: '2', inForce: true });
    });

    test('S1: are seen by their own client alone', async () => {
      expect((await app.ask(admin, undefined, list)).data).toMatchObject({ installations: [{ inForce: true }] });
      expect((await app.ask(stranger, undefined, list)).data).toEqual({ installations: [] });
      expect((await app.ask({ role: 'PLATFORM_STAFF' }, undefined, list)).errors?.[0]?.extensions.code).toBe(
        'FORBIDDEN',
      );
      const { data } = await app.ask(stranger, undefined, '{ purposeGrants { grantee } }');
      expect(JSON.stringify(data)).not.toContain(applicationId);
    });

    test('of no application, or by nobody who administers the client, are none', async () => {
      for (const odd of ['', 'é', 'unknown', '01890a5d-ac96-774b-bcce-b302099a8057', "' OR ''='"]) {
        expect((await install({ applicationId: odd })).code).toBe('NOT_FOUND');
      }
      for (const role of ['CLIENT_AGENT', 'PLATFORM_STAFF', 'AUDITOR'] as const) {
        expect((await install({ applicationId }, { role, client: 'acme' })).code).toBe('FORBIDDEN');
      }
    });

    test('at a time are one installation', async () => {
      const racing = await Promise.all(
        [1, 2, 3].map(() => install({ applicationId, acceptedNoticeVersion: '2' }, stranger)),
      );
      expect(racing.some(({ code }) => code === undefined)).toBe(true);
      expect(racing.every(({ code }) => code === undefined || code === 'CONFLICT')).toBe(true);
      const { data } = await app.ask(stranger, undefined, list);
      expect((data as { installations: unknown[] }).installations).toHaveLength(1);
    });
  });
});
