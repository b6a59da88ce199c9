import { type Asker, openTestApp, type TestApp } from '../support/app';
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

const { admin, officer, platformOfficer, agent } = askers;
const day = 86_400_000;
const certified = (framework: string, to: Date | null = null) => ({ framework, from: new Date(Date.now() - day), to });

const impactFields = `suspension { id basis reason } clients { slug } recipients { kind name } transfers { id state }
  operations { client { slug } recipient { kind name } destination purposes categories residencies }`;
const preview = `query ($basis: String!) { previewSuspension(basis: $basis) { ${impactFields} } }`;
const suspend = `mutation ($input: SuspendLegalBasisInput!) { suspendLegalBasis(input: $input) { ${impactFields} } }`;
const reinstate =
  'mutation ($input: ReinstateLegalBasisInput!) { reinstateLegalBasis(input: $input) { suspension { id reinstatedReason } } }';

describe.each(databases)('two replicas on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let replica: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    replica = await app.replica();
    await populate(app, 'acme', { DE: 2, GB: 1, US: 1 });
    await populate(app, 'globex', { DE: 1 });
    await populate(app, 'initech', { US: 1 });
    await app.services.parties.registerSubProcessor({
      slug: 'cloud',
      name: 'Cloud Inc.',
      service: 'hosting',
      country: 'US',
      purposes: ['SUPPORT'],
      categories: [...everyCategory],
      certifications: [certified('EU_US_DPF') as never, certified('UK_EXTENSION') as never],
    });
  });
  afterAll(async () => {
    expect([...app.internalErrors, ...replica.internalErrors]).toEqual([]);
    await replica.close();
    await app.close();
    await database.drop();
  });
  const cloud = (client: string): Asker => ({ role: 'SUB_PROCESSOR', client, subject: 'cloud' });

  test('an approval revoked on one stops the other’s next request', async () => {
    const id = await approve(app, sccToTheUs);
    expect(await readable(replica, agent('US'))).toEqual(['DE', 'US']);
    approvalIn(await decide(app, officer, 'revokeTransfer', id));
    expect(await readable(replica, agent('US'))).toEqual(['US']);
  });

  test('so do suspension and resumption, and a certification that is withdrawn', async () => {
    const id = await approve(replica, sccToTheUs);
    expect(await readable(app, agent('US'))).toEqual(['DE', 'US']);
    approvalIn(await decide(replica, officer, 'suspendTransfer', id));
    expect(await readable(app, agent('US'))).toEqual(['US']);
    approvalIn(await decide(app, officer, 'resumeTransfer', id));
    expect(await readable(replica, agent('US'))).toEqual(['DE', 'US']);
    approvalIn(await decide(app, officer, 'revokeTransfer', id));

    const certify = (framework: string | undefined, asker: Asker = platformOfficer) =>
      app.ask(
        asker,
        undefined,
        'mutation ($input: CertifyRecipientInput!) { certifyRecipient(input: $input) { certifications { framework } } }',
        {
          input: { kind: 'CLIENT', id: 'acme', certifications: framework ? [certified(framework)] : [] },
        },
      );
    expect(refusalOf(await certify('EU_US_DPF', admin))).toMatchObject({ code: 'FORBIDDEN' });
    expect((await certify('EU_US_DPF')).errors).toBeUndefined();
    expect(await readable(replica, agent('US'))).toEqual(['DE', 'US']);
    await certify(undefined);
    expect(await readable(replica, agent('US'))).toEqual(['US']);
  });

  test('the Data Privacy Framework annulled: every transfer on it stops at that moment, and clients are told', async () => {
    const clause = {
      ...sccToTheUs,
      recipient: { kind: 'SUB_PROCESSOR', id: 'cloud' },
      mechanism: 'ADEQUACY',
      sccModule: null,
    };
    const id = await approve(app, { ...clause, residencies: ['DE'] });
    for (const at of [app, replica]) {
      expect(await readable(at, cloud('acme'))).toEqual(['DE', 'GB', 'US']);
      expect(await readable(at, cloud('globex'))).toEqual(['DE']);
    }

    const foreseen = await app.ask(platformOfficer, undefined, preview, { basis: 'EU-2023/1795' });
    const { previewSuspension } = foreseen.data as Record<string, Record<string, unknown>>;
    const stopped = (slug: string) => ({
      client: { slug },
      recipient: { kind: 'SUB_PROCESSOR', name: 'Cloud Inc.' },
      destination: 'US',
      purposes: ['SUPPORT'],
      categories: [...everyCategory],
      residencies: ['DE'],
    });
    expect(previewSuspension).toEqual({
      suspension: null,
      clients: [{ slug: 'acme' }, { slug: 'globex' }],
      recipients: [{ kind: 'SUB_PROCESSOR', name: 'Cloud Inc.' }],
      operations: [stopped('acme'), stopped('globex')],
      transfers: [{ id, state: 'ACTIVE' }],
    });
    expect(await readable(replica, cloud('acme'))).toEqual(['DE', 'GB', 'US']);

    const input = { basis: 'EU-2023/1795', reason: 'annulled by the Court' };
    for (const asker of [officer, admin, askers.staff])
      expect(refusalOf(await app.ask(asker, undefined, suspend, { input }))).toMatchObject({ code: 'FORBIDDEN' });
    const done = await app.ask(platformOfficer, undefined, suspend, { input });
    expect(done.errors).toBeUndefined();
    const { suspendLegalBasis } = done.data as Record<string, { suspension: { id: string } }>;
    expect(suspendLegalBasis).toEqual({
      ...previewSuspension,
      suspension: { id: expect.any(String), ...input },
      transfers: [{ id, state: 'SUSPENDED' }],
    });
    for (const at of [app, replica]) {
      // The regulations of the United Kingdom stand on their own.
      expect(await readable(at, cloud('acme'))).toEqual(['GB', 'US']);
      expect(await readable(at, cloud('globex'))).toEqual([]);
    }

    const notices = (client: string) =>
      replica.ask({ ...officer, client }, undefined, '{ notices { nodes { kind subject message } } }');
    const told = (await notices('acme')).data as { notices: { nodes: Array<Record<string, string>> } };
    expect(told.notices.nodes).toHaveLength(1);
    expect(told.notices.nodes[0]).toMatchObject({ kind: 'LEGAL_BASIS_SUSPENDED' });
    for (const word of ['annulled by the Court', 'Cloud Inc. in US', 'SUPPORT', 'people of DE', id])
      expect(told.notices.nodes[0]?.message).toContain(word);
    expect(await notices('initech')).toMatchObject({ data: { notices: { nodes: [] } } });
    // Again: the same suspension, and nobody is told twice.
    const again = await app.ask(platformOfficer, undefined, suspend, { input });
    expect(again).toMatchObject({
      data: { suspendLegalBasis: { suspension: { id: suspendLegalBasis?.suspension.id } } },
    });
    expect(await notices('globex')).toMatchObject({ data: { notices: { nodes: [{}] } } });

    expect(refusalOf(await request(app, admin, { ...clause, residencies: ['DE'] }))).toMatchObject({
      fact: 'mechanism',
    });
    const lifted = await replica.ask(platformOfficer, undefined, reinstate, {
      input: { id: suspendLegalBasis?.suspension.id, reason: 'a new decision' },
    });
    expect(lifted.errors).toBeUndefined();
    expect(await readable(app, cloud('acme'))).toEqual(['DE', 'GB', 'US']);
  });

  test('a framework, an article or a mechanism may fall too, and another basis carries on', async () => {
    const id = await approve(app, { ...sccToTheUs, recipient: { kind: 'SUB_PROCESSOR', id: 'cloud' }, sccModule: 3 });
    const fall = async (basis: string) => {
      const result = await app.ask(platformOfficer, undefined, suspend, { input: { basis, reason: 'a test' } });
      const { suspendLegalBasis } = result.data as Record<string, { suspension: { id: string }; transfers: unknown }>;
      return suspendLegalBasis;
    };
    const framework = await fall('EU_US_DPF');
    expect(framework?.transfers).toEqual([expect.objectContaining({ state: 'SUSPENDED' })]);
    // The clauses carry the EEA on; the Addendum was never agreed for the United Kingdom.
    expect(await readable(replica, cloud('acme'))).toEqual(['DE', 'US']);
    const article = await fall('EU-2021/914');
    expect(article?.transfers).toEqual([{ id, state: 'ACTIVE' }]);
    expect(await readable(replica, cloud('acme'))).toEqual(['US']);
    const mechanism = await fall('SCC');
    expect(mechanism?.transfers).toEqual([{ id, state: 'SUSPENDED' }]);
    for (const one of [framework, article, mechanism])
      await app.ask(platformOfficer, undefined, reinstate, { input: { id: one?.suspension.id, reason: 'over' } });
    expect(await readable(replica, cloud('acme'))).toEqual(['DE', 'GB', 'US']);
  });

  test('a suspension that is dated ahead stops nothing before, and everything from then on', async () => {
    const from = new Date(Date.now() + 2_500).toISOString();
    await app.ask(platformOfficer, undefined, suspend, { input: { basis: 'EU-2023/1795', from, reason: 'judgment' } });
    expect(await readable(replica, cloud('globex'))).toEqual(['DE']);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await readable(replica, cloud('globex'))).toEqual([]);
  });

  test('what is no legal basis is refused; what there is can be listed by anyone', async () => {
    const refused = await app.ask(platformOfficer, undefined, preview, { basis: 'the moon' });
    expect(refusalOf(refused)).toMatchObject({ code: 'BAD_USER_INPUT' });
    const { data } = await app.ask(officer, undefined, '{ legalBases { basis } }');
    const bases = (data as { legalBases: Array<{ basis: string }> }).legalBases.map(({ basis }) => basis);
    for (const basis of ['EU-2023/1795', 'EU-2021/1772', 'EU-2026/179', 'EU_US_DPF', 'SCC', 'EU-2021/914', 'UK-IDTA'])
      expect(bases).toContain(basis);
  });
});
