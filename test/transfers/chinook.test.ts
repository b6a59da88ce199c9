import { type AuditedServer, openAuditedServer } from '../audit/audited-server';
import type { Asker } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { chinook, populate } from './people';

const page = 'query { customers(first: 100) { nodes { firstName residency } } }';
const request = `mutation ($input: RequestTransferApprovalInput!) {
  requestTransferApproval(input: $input) { approval { id state articles } } }`;
const decide = (mutation: string) => `mutation ($input: DecideTransferInput!) {
  ${mutation}(input: $input) { approval { id state history { action state principal reason } } } }`;

const assessed = 'TIA-2026-07: FISA 702 and EO 14086 weighed; encrypted in transit, keys in the EU';
const toTheUs = {
  recipient: { kind: 'CLIENT' },
  destinationCountry: 'US',
  categories: ['NAME', 'CONTACT', 'ONLINE_IDENTIFIER', 'DEMOGRAPHIC'],
  purposes: ['SUPPORT'],
  assessment: assessed,
};

/*
 * Of 59 people 25 are under the law of the EEA, 3 under that of the UK, 13 live in the US; for the 18 others no rule is
 * held here. T1, T2; GDPR Art. 44, 45; docs/design.md, point 7 of a decision.
 */
describe.each(databases)('Chinook’s customers over HTTP, on $name', ({ create }) => {
  let database: TestDatabase;
  let server: AuditedServer;
  const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'chinook', subject: 'officer@chinook' };
  const admin: Asker = { role: 'CLIENT_ADMIN', client: 'chinook', subject: 'admin@chinook' };

  beforeAll(async () => {
    database = await create();
    server = await openAuditedServer(database);
    await populate(server.app, 'chinook');
  });
  afterAll(async () => {
    expect(server.app.internalErrors).toEqual([]);
    await server.close();
    await database.drop();
  });

  /** Rows withheld of Customer.firstName, by what the error cites; the sum of them is counted in the answer itself. */
  async function withheld(country: string | null, purpose: 'SUPPORT' | 'SERVICE_DELIVERY' = 'SUPPORT') {
    const answer = await server.post({ role: 'CLIENT_AGENT', client: 'chinook', country }, purpose, page);
    expect(answer.status).toBe(200);
    const data = answer.body.data as unknown as { customers: { nodes: Array<{ firstName: string | null }> } } | null;
    const nodes = data?.customers.nodes ?? [];
    expect(nodes).toHaveLength(59);
    const errors = (answer.body.errors ?? []).map(({ extensions }) => extensions);
    for (const { code, rule } of errors) expect([code, typeof rule]).toEqual(['TRANSFER_NOT_AUTHORIZED', 'string']);
    const mine = errors.filter(({ coordinate }) => coordinate === 'Customer.firstName');
    const byRule = Object.fromEntries(mine.map(({ rule, rows }) => [String(rule), Number(rows)]));
    const total = nodes.filter(({ firstName }) => firstName === null).length;
    expect(Object.values(byRule).reduce((sum, rows) => sum + rows, 0)).toBe(total);
    return { total, byRule };
  }

  async function mutate(asker: Asker, document: string, input: object) {
    const { body } = await server.post(asker, 'SUPPORT', document, { input });
    if (body.errors) throw new Error(JSON.stringify(body.errors));
    const [payload] = Object.values(body.data ?? {}) as Array<{ approval: { id: string; state: string } }>;
    if (!payload) throw new Error('no payload');
    return payload.approval;
  }

  const unknown = 'no transfer rule held for the country of residence (statement T1)';

  test('the table has 59 people of 24 countries', () => {
    expect(Object.keys(chinook)).toHaveLength(24);
    expect(Object.values(chinook).reduce((sum, count) => sum + count, 0)).toBe(59);
  });

  test.each([
    // UK → EEA: DPA 2018 Sch. 21; US: no general restriction.
    ['DE', 18, { [unknown]: 18 }],
    // The recipient is not certified under the Data Privacy Framework: Decision (EU) 2023/1795 does not carry it.
    ['US', 46, { 'GDPR Art. 44': 25, 'UK GDPR Art. 44A': 3, [unknown]: 18 }],
    // The two of India stay where they are.
    ['IN', 44, { 'GDPR Art. 44': 25, 'UK GDPR Art. 44A': 3, [unknown]: 16 }],
    // Decision (EU) 2026/179, which the EEA Agreement does not have yet: one of Norway is withheld.
    ['BR', 17, { 'GDPR Art. 44': 1, 'UK GDPR Art. 44A': 3, [unknown]: 13 }],
    [null, 46, { 'GDPR Art. 44': 25, 'UK GDPR Art. 44A': 3, [unknown]: 18 }],
  ])('asked from %s, %i are withheld', async (country, total, byRule) => {
    expect(await withheld(country)).toEqual({ total, byRule });
  });

  test('an approval lifts what it covers, and its suspension brings it back', async () => {
    const input = { ...toTheUs, mechanism: 'SCC', sccModule: 4 };
    const asked = await mutate(admin, request, input);
    expect(asked).toMatchObject({ state: 'REQUESTED', articles: ['GDPR Art. 46(2)(c)', 'FADP Art. 16(2)(d)'] });
    expect((await withheld('US')).total).toBe(46);
    const { id } = asked;
    expect(await mutate(officer, decide('approveTransfer'), { id, reason: 'assessed' })).toMatchObject({
      state: 'ACTIVE',
    });
    expect(await withheld('US')).toEqual({ total: 21, byRule: { 'UK GDPR Art. 44A': 3, [unknown]: 18 } });
    // Not for another purpose, nor from another country.
    expect((await withheld('US', 'SERVICE_DELIVERY')).total).toBe(46);
    expect((await withheld('IN')).total).toBe(44);

    const uk = await mutate(admin, request, { ...toTheUs, mechanism: 'UK_IDTA' });
    await mutate(officer, decide('approveTransfer'), { id: uk.id, reason: 'assessed' });
    expect(await withheld('US')).toEqual({ total: 18, byRule: { [unknown]: 18 } });
    const national = await mutate(admin, request, {
      ...toTheUs,
      mechanism: 'NATIONAL_LAW',
      residencies: ['BR', 'CA', 'AR', 'AU', 'CL', 'IN'],
    });
    await mutate(officer, decide('approveTransfer'), { id: national.id, reason: 'counsel’s opinion' });
    expect(await withheld('US')).toEqual({ total: 0, byRule: {} });

    const suspended = await mutate(officer, decide('suspendTransfer'), { id, reason: 'the assessment is out of date' });
    expect(suspended).toMatchObject({
      state: 'SUSPENDED',
      history: [
        { action: 'REQUESTED', state: 'REQUESTED', principal: 'admin@chinook' },
        { action: 'APPROVED', state: 'ACTIVE', principal: 'officer@chinook', reason: 'assessed' },
        {
          action: 'SUSPENDED',
          state: 'SUSPENDED',
          principal: 'officer@chinook',
          reason: 'the assessment is out of date',
        },
      ],
    });
    expect(await withheld('US')).toEqual({ total: 25, byRule: { 'GDPR Art. 44': 25 } });
    await mutate(officer, decide('resumeTransfer'), { id, reason: 'assessed again' });
    expect((await withheld('US')).total).toBe(0);
    for (const one of [id, uk.id, national.id])
      await mutate(officer, decide('revokeTransfer'), { id: one, reason: 'over' });
    expect((await withheld('US')).total).toBe(46);
  });

  test('a withheld row keeps its place: its id is a pseudonym, and says nothing', async () => {
    const query = 'query { customers(first: 100) { nodes { id email residency } } }';
    const here = await server.post({ role: 'CLIENT_AGENT', client: 'chinook' }, 'SUPPORT', query);
    const abroad = await server.post({ role: 'CLIENT_AGENT', client: 'chinook', country: 'US' }, 'SUPPORT', query);
    const nodesOf = ({ body }: typeof here) =>
      (body.data as unknown as { customers: { nodes: Array<{ id: string; residency: string | null }> } }).customers
        .nodes;
    const withheldAbroad = nodesOf(abroad).filter(({ residency }) => residency === null);
    expect(withheldAbroad).toHaveLength(46);
    const europeans = nodesOf(here).filter(({ residency }) => residency !== null && residency !== 'US');
    expect(europeans).toHaveLength(28);
    for (const { id } of europeans) expect(abroad.text).not.toContain(id);
    expect(withheldAbroad.every(({ id }) => europeans.every((other) => other.id !== id))).toBe(true);
    expect(abroad.text).not.toContain('FR-0@example.org');
  });

  test('nobody finds out by a filter or a look-up what a row withholds (docs/pitfalls.md, 12, 13)', async () => {
    const query = `query ($email: String!) {
      customerLookup(by: { email: $email }) { id }
      customers(first: 100, filter: { residency: "DE" }) { nodes { id } } }`;
    const ask = async (country: string, email: string) =>
      (await server.post({ role: 'CLIENT_AGENT', client: 'chinook', country }, 'SUPPORT', query, { email })).body;
    expect(await ask('DE', 'DE-1@example.org')).toMatchObject({
      data: { customerLookup: { id: expect.any(String) }, customers: { nodes: [{}, {}, {}, {}] } },
    });
    const found = await ask('US', 'DE-1@example.org');
    const absent = await ask('US', 'nobody@example.org');
    expect(found).toMatchObject({ data: { customerLookup: null, customers: { nodes: [] } } });
    expect([found.data, found.errors]).toEqual([absent.data, absent.errors]);
  });
});
