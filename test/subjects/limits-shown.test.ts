import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme', country: 'FR' };
const elsewhere: Asker = { ...officer, country: 'CN' };

describe.each(databases)('limits on a person on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    acme = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    await app.services.clients.register({ slug: 'globex', name: 'Globex' }, 'test');
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const person = () => app.services.customers.create(acme, { firstName: 'Ada', residency: 'FR' }, 'test');
  const sent = async (asker: Asker, document: string, variables: object, purpose: 'LEGAL' | 'SUPPORT' = 'LEGAL') => {
    const { data, errors = [] } = await app.ask(asker, purpose, document, { ...variables });
    return { data, codes: errors.map(({ extensions: { code } }) => code) };
  };

  describe('a restriction', () => {
    const read = 'query ($id: ID!) { processingRestriction(customerId: $id) { ground since } }';
    const restrict = `mutation ($id: ID!) {
      restrictProcessing(input: { customerId: $id, ground: OBJECTION_PENDING }) { customer { id } } }`;

    test('is read with its ground and since when, for LEGAL, by those who may set it', async () => {
      const id = await person();
      expect(await sent(officer, read, { id })).toEqual({ data: { processingRestriction: null }, codes: [] });
      await sent(officer, restrict, { id });
      for (const role of ['CLIENT_PRIVACY_OFFICER', 'CLIENT_ADMIN'] as const) {
        expect(await sent({ ...officer, role }, read, { id })).toEqual({
          data: {
            processingRestriction: {
              ground: 'OBJECTION_PENDING',
              since: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
            },
          },
          codes: [],
        });
      }
    });

    test('is given to nobody else, for nothing else, and nowhere that the person’s data may not go', async () => {
      const id = await person();
      await sent(officer, restrict, { id });
      const withheld = { processingRestriction: { ground: null, since: null } };
      expect(await sent(officer, read, { id }, 'SUPPORT')).toEqual({
        data: withheld,
        codes: ['PROCESSING_RESTRICTED', 'PROCESSING_RESTRICTED'],
      });
      expect(await sent(elsewhere, read, { id })).toEqual({
        data: withheld,
        codes: ['TRANSFER_NOT_AUTHORIZED', 'TRANSFER_NOT_AUTHORIZED'],
      });
      for (const role of ['CLIENT_AGENT', 'AUDITOR', 'PLATFORM_STAFF'] as const) {
        const { data } = await sent({ ...officer, role }, read, { id });
        expect(data?.processingRestriction ?? null).toBeNull();
      }
      const other = { ...officer, client: 'globex' };
      expect(await sent(other, read, { id })).toEqual({ data: { processingRestriction: null }, codes: [] });
    });

    test('is not told of a person who is being erased', async () => {
      const id = await person();
      const erase =
        'mutation ($id: ID!) { requestErasure(input: { customerId: $id, grounds: CONSENT_WITHDRAWN }) { request { id } } }';
      expect((await sent(officer, erase, { id })).codes).toEqual([]);
      expect((await sent(officer, read, { id })).data).toEqual({ processingRestriction: null });
    });
  });

  test('a hold says whom it is about, to those who may read of the person', async () => {
    const id = await person();
    const place = `mutation ($id: ID!) { placeLegalHold(input: {
      customerId: $id, categories: [COMMERCE], matter: "2026-C-1", reason: "a claim" }) { hold { id subject { customerId } } } }`;
    const placed = await sent(officer, place, { id });
    expect(placed).toEqual({
      data: { placeLegalHold: { hold: { id: expect.any(String), subject: { customerId: id } } } },
      codes: [],
    });
    const list = '{ legalHolds { matter subject { customerId } } }';
    const held = { matter: '2026-C-1', subject: { customerId: id } };
    expect(await sent(officer, list, {})).toEqual({ data: { legalHolds: [held] }, codes: [] });
    expect(await sent(elsewhere, list, {})).toEqual({
      data: { legalHolds: [{ ...held, subject: { customerId: null } }] },
      codes: ['TRANSFER_NOT_AUTHORIZED'],
    });
    await sent(
      officer,
      'mutation ($id: ID!) { restrictProcessing(input: { customerId: $id, ground: OBJECTION }) { customer { id } } }',
      { id },
    );
    expect(await sent(officer, list, {}, 'SUPPORT')).toEqual({
      data: { legalHolds: [{ ...held, subject: { customerId: null } }] },
      codes: ['PROCESSING_RESTRICTED'],
    });
    expect((await sent(officer, list, {})).data).toEqual({ legalHolds: [held] });
  });

  test('legal bases name the countries that they carry data to, by code and in English', async () => {
    const { data } = await app.ask(officer, undefined, '{ legalBases { basis title destinations { code name } } }');
    const bases = new Map(((data?.legalBases ?? []) as Array<{ basis: string }>).map((one) => [one.basis, one]));
    expect(bases.get('EU-2000/518/EC')).toEqual({
      basis: 'EU-2000/518/EC',
      title: 'Decision 2000/518/EC: Switzerland (country)',
      destinations: [{ code: 'CH', name: 'Switzerland' }],
    });
    expect(bases.get('EU_US_DPF')).toMatchObject({
      title: 'a certification framework: EU-US Data Privacy Framework',
      destinations: [{ code: 'US', name: 'United States' }],
    });
  });
});
