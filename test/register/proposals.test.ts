import { ClientInstruction } from '../../src/identity/client-instruction';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { populate } from '../transfers/people';
import { readable, refusalOf } from '../transfers/transfer-app';

const officer: Asker = { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme', subject: 'dpo@platform', country: 'US' };
const other: Asker = { ...officer, subject: 'deputy@platform' };
const staff: Asker = { role: 'PLATFORM_STAFF', client: 'acme', subject: 'ops@platform', country: 'US' };
const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme', subject: 'admin@acme' };
const dpf = { framework: 'EU_US_DPF', from: '2024-01-01T00:00:00Z' };

const certifying = `mutation ($input: CertifyRecipientInput!) { certifyRecipient(input: $input) {
  certifications { framework } proposal { id act state proposedBy terms } } }`;
const terminating = `mutation ($input: TerminateClientInput!) { terminateClient(input: $input) {
  request { id status } proposal { id act state } } }`;
const exporting = `mutation ($input: RequestClientExportInput!) { requestClientExport(input: $input) {
  export { id status } proposal { id act state } } }`;
const deciding = (what: 'confirm' | 'refuse') =>
  what === 'confirm'
    ? 'mutation ($id: ID!) { confirmProposal(input: {id: $id}) { proposal { state decidedBy } } }'
    : 'mutation ($id: ID!) { refuseProposal(input: {id: $id, reason: "no"}) { proposal { state decidedBy refusal } } }';

interface Proposed {
  readonly proposal: { readonly id: string; readonly act: string; readonly state: string } | null;
  readonly request?: { readonly id: string } | null;
  readonly export?: { readonly id: string; readonly status: string } | null;
  readonly certifications?: ReadonlyArray<{ framework: string }>;
}

describe.each(databases)('acts of two persons on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    await populate(app, 'acme', { FR: 1 });
    await populate(app, 'globex', { US: 1 });
    acme = (await app.services.clients.find('acme'))?.id ?? '';
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.services.ledger.close();
    await app.close();
    await database.drop();
  });

  const send = async (asker: Asker, document: string, variables: object) => {
    const result = await app.ask(asker, undefined, document, variables as Record<string, unknown>);
    return {
      payload: Object.values(result.data ?? {})[0] as Proposed,
      code: refusalOf(result)?.code,
      decided: (Object.values(result.data ?? {})[0] as { proposal?: object } | null)?.proposal,
    };
  };
  const certify = (asker: Asker, certifications: object[]) =>
    send(asker, certifying, { input: { kind: 'PLATFORM', certifications } });
  const kindsAbout = async (client: string | undefined) =>
    (await app.services.auditReader.entries(client, {}, 100, undefined)).map(({ kind }) => kind);
  const instruct = (terms: object) =>
    app.services.records.instruct(
      { client: acme, principal: 'admin@acme' },
      { purpose: 'SUPPORT', reason: 'ticket 12', ...terms },
    );

  it('attack S10: certifying the platform takes its privacy officer and another person, and is on record', async () => {
    await instruct({});
    expect(await readable(app, staff)).toEqual([]);
    expect((await certify(staff, [dpf])).code).toBe('FORBIDDEN');
    const proposed = await certify(officer, [dpf]);
    expect(proposed.payload).toMatchObject({
      certifications: [],
      proposal: { act: 'CERTIFY_RECIPIENT', state: 'PROPOSED', proposedBy: 'dpo@platform' },
    });
    const id = proposed.payload.proposal?.id;
    expect(await readable(app, staff)).toEqual([]);
    expect((await send(officer, deciding('confirm'), { id })).code).toBe('FORBIDDEN');
    expect((await send(staff, deciding('confirm'), { id })).code).toBe('FORBIDDEN');
    expect((await send(admin, deciding('refuse'), { id })).code).toBe('NOT_FOUND');
    expect(await readable(app, staff)).toEqual([]);
    expect((await send(other, deciding('confirm'), { id })).decided).toEqual({
      state: 'CONFIRMED',
      decidedBy: 'deputy@platform',
    });
    expect(await readable(app, staff)).toEqual(['FR']);
    expect((await send(other, deciding('confirm'), { id })).code).toBe('CONFLICT');
    const entries = await app.services.auditReader.entries(undefined, { kind: 'RECIPIENT_CERTIFIED' }, 9, undefined);
    expect(entries[0]?.details).toMatchObject({
      recipientKind: 'PLATFORM',
      certifications: 'EU_US_DPF from 2024-01-01T00:00:00.000Z',
    });
    expect(await kindsAbout(undefined)).toEqual(expect.arrayContaining(['PROPOSED', 'PROPOSAL_CONFIRMED']));
  });

  it('attack S10: taking a certification away takes one person, and a refused one never counts', async () => {
    expect((await certify(officer, [])).payload).toMatchObject({ certifications: [], proposal: null });
    expect(await readable(app, staff)).toEqual([]);
    const again = await certify(officer, [dpf]);
    const id = again.payload.proposal?.id;
    expect((await send(officer, deciding('refuse'), { id })).decided).toMatchObject({
      state: 'REFUSED',
      refusal: 'no',
    });
    expect((await send(other, deciding('confirm'), { id })).code).toBe('CONFLICT');
    expect(await readable(app, staff)).toEqual([]);
    expect((await certify(officer, [{ ...dpf, to: '2023-01-01T00:00:00Z' }])).code).toBe('BAD_USER_INPUT');
  });

  it('attack S10: who registers a third party does not certify it, and its certifications are in the entry', async () => {
    const input = {
      slug: 'cloud',
      name: 'Cloud',
      service: 'hosting',
      country: 'US',
      purposes: ['SUPPORT'],
      categories: ['NAME'],
    };
    const registering = `mutation ($input: RegisterSubProcessorInput!) { registerSubProcessor(input: $input) {
      subProcessor { id } } }`;
    const certified = { input: { ...input, certifications: [dpf] } };
    expect((await send(staff, registering, certified)).code).toBe('FORBIDDEN');
    expect((await send(staff, registering, { input })).code).toBeUndefined();
    expect((await send(officer, registering, certified)).code).toBeUndefined();
    const [entry] = await app.services.auditReader.entries(
      undefined,
      { kind: 'SUB_PROCESSOR_REGISTERED' },
      1,
      undefined,
    );
    expect(entry?.details).toMatchObject({ certifications: 'EU_US_DPF from 2024-01-01T00:00:00.000Z' });
  });

  const ending = { input: { clientId: 'acme', effectiveOn: '2020-01-01T00:00:00Z' } };

  it.each([
    ['terminateClient', terminating, ending],
    ['requestClientExport', exporting, { input: { clientId: 'acme' } }],
  ])('attack S15: %s by the platform takes the token’s client and its order', async (_name, document, variables) => {
    for (const asker of [officer, staff]) {
      expect((await send(asker, document, variables)).code).toBe('FORBIDDEN');
      expect((await send({ ...asker, client: 'globex' }, document, variables)).code).toBe('NOT_FOUND');
      const { client: _, ...nowhere } = asker;
      expect((await send(nowhere, document, variables)).code).toBe('FORBIDDEN');
    }
    expect(await app.services.erasure.erasures.list(acme, {}, 9, undefined)).toEqual([]);
    expect(await app.services.exports.list(acme)).toEqual([]);
  });

  it('attack S15: with an order that names the act the platform proposes an export, and another person confirms it', async () => {
    await instruct({ acts: ['EXPORT_CLIENT'] });
    expect((await send(staff, terminating, ending)).code).toBe('FORBIDDEN');
    const variables = { input: { clientId: 'acme' } };
    const { payload } = await send(staff, exporting, variables);
    expect(payload).toMatchObject({ export: null, proposal: { act: 'EXPORT_CLIENT', state: 'PROPOSED' } });
    expect(await app.services.exports.list(acme)).toEqual([]);
    const id = payload.proposal?.id;
    expect((await send({ ...other, client: 'globex' }, deciding('confirm'), { id })).code).toBe('NOT_FOUND');
    expect((await send(other, deciding('confirm'), { id })).decided).toMatchObject({ state: 'CONFIRMED' });
    expect(await app.services.exports.list(acme)).toMatchObject([{ requestedBy: 'deputy@platform' }]);
  });

  it('attack S15: an order that was withdrawn meanwhile ends nothing', async () => {
    const order = await instruct({ acts: ['END_CLIENT'] });
    const { payload } = await send(staff, terminating, ending);
    const id = payload.proposal?.id;
    const { records } = app.services;
    await records.withdraw(ClientInstruction, { client: acme, principal: 'admin@acme' }, order.id, 'changed our mind');
    expect((await send(other, deciding('confirm'), { id })).code).toBe('FORBIDDEN');
    expect((await send(admin, deciding('refuse'), { id })).decided).toMatchObject({ state: 'REFUSED' });
    expect(await app.services.erasure.erasures.list(acme, {}, 9, undefined)).toEqual([]);
  });

  it('attack S15: an order to act lets nobody read', async () => {
    await app.services.records.instruct(
      { client: acme, principal: 'admin@acme' },
      { purpose: 'LEGAL', reason: 'end us', acts: ['END_CLIENT'] },
    );
    const { errors } = await app.ask(staff, 'LEGAL', '{ customers(first: 1) { nodes { firstName } } }');
    expect(errors?.[0]?.extensions.code).toBe('PURPOSE_NOT_GRANTED');
  });

  it('attack S15: the client ends itself, in its own token alone', async () => {
    const stranger: Asker = { role: 'CLIENT_ADMIN', client: 'globex' };
    expect((await send(stranger, terminating, ending)).code).toBe('NOT_FOUND');
    const { payload } = await send({ ...admin, role: 'CLIENT_PRIVACY_OFFICER' }, terminating, ending);
    expect(payload).toMatchObject({ request: { status: 'RECEIVED' }, proposal: null });
  });
});
