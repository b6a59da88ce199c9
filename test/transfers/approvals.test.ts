import type { Asker, TestApp } from '../support/app';
import { openTestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { populate } from './people';
import {
  approvalIn,
  approve,
  askers,
  decide,
  everyCategory,
  readable,
  refusalOf,
  request,
  sccToTheUs,
} from './transfer-app';

const { admin, officer, platformOfficer, staff, agent } = askers;
const day = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * day).toISOString();

describe.each(databases)('approvals of transfers on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let ids: Readonly<Record<string, string>>;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    ({ ids } = await populate(app, 'acme', { DE: 2, FR: 1, GB: 1, BR: 1, US: 1, NO: 1, none: 1 }));
    await populate(app, 'globex', { DE: 1 });
    await app.services.parties.registerApplication({
      slug: 'mailer',
      name: 'Mailer',
      publisher: 'Mailer Inc.',
      country: 'US',
      scopes: [],
      privacyNoticeVersion: '1',
      privacyNoticeUrl: 'https://publisher.example/privacy',
    });
    await app.services.parties.registerSubProcessor({
      slug: 'helpdesk',
      name: 'Helpdesk',
      service: 'answers',
      country: 'IN',
      purposes: ['SUPPORT'],
      categories: [...everyCategory],
    });
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const toMailer = { ...sccToTheUs, recipient: { kind: 'APPLICATION', id: 'mailer' }, sccModule: 2 };
  const toHelpdesk = {
    ...sccToTheUs,
    recipient: { kind: 'SUB_PROCESSOR', id: 'helpdesk' },
    destinationCountry: 'IN',
    sccModule: 3,
  };
  const claims = {
    ...sccToTheUs,
    mechanism: 'DEROGATION_LEGAL_CLAIMS',
    sccModule: null,
    assessment: null,
    validUntil: inDays(30),
  };

  describe('T2: mechanism and facts have to fit, or the fact that fails is named', () => {
    test.each<[string, object, string]>([
      [
        'ADEQUACY to a country without a finding',
        { ...toHelpdesk, mechanism: 'ADEQUACY', sccModule: null },
        'mechanism',
      ],
      [
        'ADEQUACY to the US for whom no framework lists',
        { ...toMailer, mechanism: 'ADEQUACY', sccModule: null },
        'mechanism',
      ],
      ['a module for other roles', { ...toMailer, sccModule: 3 }, 'sccModule'],
      ['a module for other roles', { ...toHelpdesk, sccModule: 2 }, 'sccModule'],
      ['a module for other roles', { ...sccToTheUs, sccModule: 1 }, 'sccModule'],
      ['no module', { ...toMailer, sccModule: null }, 'sccModule'],
      ['a module where there is none', { ...toMailer, mechanism: 'BCR' }, 'sccModule'],
      ['Art. 46 without an assessment', { ...toMailer, assessment: ' ' }, 'assessment'],
      ['another country than the register’s', { ...toMailer, destinationCountry: 'IN' }, 'destinationCountry'],
      [
        'clauses within the EEA',
        { ...sccToTheUs, destinationCountry: 'FR', residencies: ['DE'] },
        'destinationCountry',
      ],
      ['the tool of another regime', { ...toMailer, residencies: ['GB'] }, 'mechanism'],
      ['clauses nobody authorised', { ...toMailer, mechanism: 'AD_HOC_CLAUSES', sccModule: null }, 'authorisation'],
      ['a tool of public bodies', { ...toMailer, mechanism: 'PUBLIC_INSTRUMENT', sccModule: null }, 'recipient'],
      ['a derogation for nobody named', claims, 'dataSubjects'],
      ['a derogation without an end', { ...claims, dataSubjects: ['x'], validUntil: null }, 'validUntil'],
      ['a derogation for long', { ...claims, dataSubjects: ['x'], validUntil: inDays(120) }, 'validUntil'],
      [
        'a derogation for many',
        { ...claims, dataSubjects: Array.from({ length: 101 }, (_, n) => `p${n}`) },
        'dataSubjects',
      ],
      [
        'national law where a regime is held',
        { ...toMailer, mechanism: 'NATIONAL_LAW', sccModule: null, residencies: ['DE'] },
        'residencies',
      ],
      ['national law of no country', { ...toMailer, mechanism: 'NATIONAL_LAW', sccModule: null }, 'residencies'],
    ])('%s', async (_, input, fact) => {
      const result = await request(app, admin, input);
      expect(refusalOf(result)).toMatchObject({ code: 'TRANSFER_MECHANISM_UNSUITABLE', fact });
      expect(refusalOf(result)?.message).toContain(`"${fact}"`);
    });

    test('ADEQUACY ends with its finding, 2031-12-27 for the United Kingdom', async () => {
      const toGb = {
        ...sccToTheUs,
        mechanism: 'ADEQUACY',
        sccModule: null,
        destinationCountry: 'GB',
        residencies: ['DE'],
      };
      expect(refusalOf(await request(app, admin, toGb))).toMatchObject({ fact: 'validUntil' });
      const bounded = { ...toGb, validUntil: '2031-12-28T00:00:00Z' };
      expect(approvalIn(await request(app, admin, bounded)).state).toBe('REQUESTED');
    });

    test.each<[string, object, string]>([
      ['no category', { ...toMailer, categories: [] }, 'BAD_USER_INPUT'],
      ['no purpose', { ...toMailer, purposes: [] }, 'BAD_USER_INPUT'],
      ['an end in the past', { ...toMailer, validUntil: '2020-01-01T00:00:00Z' }, 'BAD_USER_INPUT'],
      ['no country', { ...toMailer, destinationCountry: 'ZZ' }, 'BAD_USER_INPUT'],
      ['a recipient that is none', { ...toMailer, recipient: { kind: 'APPLICATION', id: 'nobody' } }, 'NOT_FOUND'],
      ['another client as recipient', { ...sccToTheUs, recipient: { kind: 'CLIENT', id: 'globex' } }, 'NOT_FOUND'],
    ])('%s is refused', async (_, input, code) => {
      expect(refusalOf(await request(app, admin, input))).toMatchObject({ code });
    });
  });

  describe('who decides', () => {
    const forbidden = { code: 'FORBIDDEN' };

    test('never who asked, however entitled; and only a privacy officer', async () => {
      const { id } = approvalIn(await request(app, officer, toMailer));
      expect(refusalOf(await decide(app, officer, 'approveTransfer', id))).toMatchObject(forbidden);
      expect(refusalOf(await decide(app, officer, 'rejectTransfer', id))).toMatchObject(forbidden);
      for (const asker of [admin, staff, agent('DE'), { ...admin, role: 'PARTNER' as const }])
        expect(refusalOf(await decide(app, asker, 'approveTransfer', id))?.code).toBeDefined();
      // The platform's officer decides on access by the platform's staff, and on nothing else.
      expect(refusalOf(await decide(app, platformOfficer, 'approveTransfer', id))).toMatchObject(forbidden);
      const other: Asker = { ...officer, subject: 'second@acme' };
      expect(approvalIn(await decide(app, other, 'rejectTransfer', id, 'no need'))).toMatchObject({
        state: 'REJECTED',
        history: [
          { action: 'REQUESTED', principal: 'officer@acme' },
          { action: 'REJECTED', principal: 'second@acme', reason: 'no need' },
        ],
      });
      for (const decision of ['approveTransfer', 'suspendTransfer', 'resumeTransfer', 'revokeTransfer'] as const)
        expect(refusalOf(await decide(app, other, decision, id))).toMatchObject({ code: 'CONFLICT' });
    });

    test('R1: another client neither sees nor decides it', async () => {
      const { id } = approvalIn(await request(app, admin, toMailer));
      const stranger: Asker = { ...officer, client: 'globex' };
      expect(refusalOf(await decide(app, stranger, 'approveTransfer', id))).toMatchObject({ code: 'NOT_FOUND' });
      const query = 'query ($id: ID!) { transferApproval(id: $id) { id } transferApprovals { nodes { id } } }';
      expect(await app.ask(stranger, undefined, query, { id })).toMatchObject({
        data: { transferApproval: null, transferApprovals: { nodes: [] } },
      });
      const seen = await app.ask(officer, undefined, query, { id });
      expect(seen).toMatchObject({ data: { transferApproval: { id } } });
    });

    test('for the platform’s staff both officers, whoever is first', async () => {
      const toStaff = { ...sccToTheUs, recipient: { kind: 'PLATFORM' }, sccModule: 2 };
      await app.ask(
        officer,
        undefined,
        'mutation ($input: GiveInstructionInput!) { giveInstruction(input: $input) { instruction { id } } }',
        {
          input: { purpose: 'SUPPORT', reason: 'help us' },
        },
      );
      const inTheUs: Asker = { ...staff, country: 'US' };
      const { id } = approvalIn(await request(app, staff, toStaff));
      expect(await readable(app, inTheUs)).toEqual(['US']);
      expect(approvalIn(await decide(app, platformOfficer, 'approveTransfer', id)).state).toBe('REQUESTED');
      expect(refusalOf(await decide(app, platformOfficer, 'approveTransfer', id))).toMatchObject({ code: 'CONFLICT' });
      const both: Asker = { ...officer, subject: platformOfficer.subject };
      expect(refusalOf(await decide(app, both, 'approveTransfer', id))).toMatchObject(forbidden);
      expect(await readable(app, inTheUs)).toEqual(['US']);
      expect(approvalIn(await decide(app, officer, 'approveTransfer', id)).state).toBe('ACTIVE');
      expect(await readable(app, inTheUs)).toEqual(['DE', 'FR', 'NO', 'US']);
      // Whoever stopped it lets it go on.
      approvalIn(await decide(app, platformOfficer, 'suspendTransfer', id));
      expect(await readable(app, inTheUs)).toEqual(['US']);
      expect(refusalOf(await decide(app, officer, 'resumeTransfer', id))).toMatchObject(forbidden);
      expect(approvalIn(await decide(app, platformOfficer, 'resumeTransfer', id)).state).toBe('ACTIVE');
      approvalIn(await decide(app, officer, 'revokeTransfer', id));
      expect(await readable(app, inTheUs)).toEqual(['US']);
    });

    test('two at once: one is heard, the other told', async () => {
      const { id } = approvalIn(await request(app, admin, toMailer));
      const others = ['a@acme', 'b@acme', 'c@acme'].map((subject): Asker => ({ ...officer, subject }));
      const answers = await Promise.all(
        others.map((one, index) => decide(app, one, index === 0 ? 'rejectTransfer' : 'approveTransfer', id)),
      );
      const refused = answers.flatMap((answer) => refusalOf(answer) ?? []);
      expect(refused).toHaveLength(2);
      for (const { code } of refused) expect(code).toBe('CONFLICT');
    });

    test('a reason has to be given', async () => {
      const { id } = approvalIn(await request(app, admin, toMailer));
      expect(refusalOf(await decide(app, officer, 'approveTransfer', id, ' '))).toMatchObject({
        code: 'BAD_USER_INPUT',
      });
    });
  });

  describe('what an approval carries', () => {
    test('its categories, purposes, country and recipient only', async () => {
      const id = await approve(app, { ...sccToTheUs, categories: ['NAME', 'ONLINE_IDENTIFIER'] });
      const result = await app.ask(agent('US'), 'SUPPORT', '{ customers(first: 100) { nodes { firstName email } } }');
      const { customers } = result.data as { customers: { nodes: Array<Record<string, string | null>> } };
      expect(customers.nodes.filter(({ firstName }) => firstName !== null)).toHaveLength(5);
      expect(customers.nodes.filter(({ email }) => email !== null)).toHaveLength(1);
      expect(await readable(app, agent('US'), 'SERVICE_DELIVERY')).toEqual(['US']);
      await decide(app, officer, 'revokeTransfer', id);
    });

    test('not before it begins, and not when it has ended, without anybody’s act', async () => {
      const { id } = approvalIn(
        await request(app, admin, { ...sccToTheUs, validFrom: inDays(1), validUntil: inDays(2) }),
      );
      expect(approvalIn(await decide(app, officer, 'approveTransfer', id)).state).toBe('APPROVED');
      expect(await readable(app, agent('US'))).toEqual(['US']);
      const short = await approve(app, { ...sccToTheUs, validUntil: new Date(Date.now() + 3_000).toISOString() });
      expect(await readable(app, agent('US'))).toEqual(['DE', 'FR', 'NO', 'US']);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      expect(await readable(app, agent('US'))).toEqual(['US']);
      const seen = await app.ask(
        officer,
        undefined,
        'query ($id: ID!) { transferApproval(id: $id) { state history { action } } }',
        { id: short },
      );
      expect(seen).toMatchObject({ data: { transferApproval: { state: 'EXPIRED' } } });
      expect(refusalOf(await decide(app, officer, 'revokeTransfer', short))).toMatchObject({ code: 'CONFLICT' });
    }, 30_000);

    test('GDPR Art. 49: a derogation reaches the people it names, on one occasion', async () => {
      const input = { ...claims, dataSubjects: [ids.DE] };
      const id = await approve(app, input);
      const result = await app.ask(agent('US'), 'SUPPORT', '{ customers(first: 100) { nodes { email residency } } }');
      const { customers } = result.data as { customers: { nodes: Array<{ email: string | null }> } };
      expect(customers.nodes.flatMap(({ email }) => email ?? []).sort()).toEqual([
        'DE-1@example.org',
        'US-0@example.org',
      ]);
      expect(refusalOf(await request(app, admin, input))).toMatchObject({ fact: 'validFrom' });
      await decide(app, officer, 'revokeTransfer', id);
      expect(approvalIn(await request(app, admin, input)).namedSubjects).toBe(1);
    });

    test('people without a recorded country, where every law held here lets them be read', async () => {
      expect(await readable(app, agent('DE'))).toContain('none');
      expect(await readable(app, agent('US'))).not.toContain('none');
      expect(await readable(app, agent(null))).toEqual(['US']);
    });
  });
});
