import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import { ClientInstruction } from '../../src/identity/client-instruction';
import { PurposeGrant } from '../../src/identity/purpose-grant';
import { HOUR_MS } from '../../src/law/calendar';
import { everybody } from '../../src/subjects/reach';
import { type Asker, claimsOf, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { populate } from '../transfers/people';
import { approve, askers, decide, refusalOf, sccToTheUs } from '../transfers/transfer-app';

const { officer, platformOfficer, staff } = askers;
const principal = 'test';

/** Runs something in a process whose clock is ahead, or behind. Everything but the clock goes on as always. */
async function withClock<T>(ahead: number, work: () => Promise<T>): Promise<T> {
  jest.useFakeTimers({
    now: Date.now() + ahead,
    doNotFake: [
      ...(['nextTick', 'queueMicrotask', 'performance', 'hrtime'] as const),
      ...(['setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const),
    ],
  });
  try {
    return await work();
  } finally {
    jest.useRealTimers();
  }
}

interface Setting {
  readonly app: TestApp;
  readonly client: string;
  readonly customer: string;
  readonly application: string;
}

/** Something in force that data is given by, and what ends it at once. */
interface Ending {
  /** Puts it in force. @returns what ends it, through another process */
  begin(setting: Setting): Promise<(through: TestApp) => Promise<unknown>>;
  /** Whether data is still given by it. */
  gives(setting: Setting): Promise<boolean>;
}

async function grants({ app }: Setting, asker: Asker, purpose: ProcessingPurpose): Promise<boolean> {
  const { access } = await app.services.accessService.contextFor(claimsOf(asker), purpose);
  return access.grantedPurposes.includes(purpose) && (access.prohibitions ?? []).length === 0;
}

async function reaches({ app, client, application }: Setting, country: string): Promise<boolean> {
  const recipient = { kind: 'APPLICATION', id: application } as const;
  const terms = { categories: ['CONTACT' as const], purposes: ['SUPPORT' as const], residency: 'DE' };
  return (await app.services.transfers.rules.mayReceive({ client, recipient, country, ...terms })).allowed;
}

async function reads({ app }: Setting, purpose: ProcessingPurpose): Promise<boolean> {
  const asker = { role: 'CLIENT_AGENT', client: 'acme' } as const;
  const { data } = await app.ask(asker, purpose, '{ customers(first: 1) { nodes { email } } }');
  return /@/.test(JSON.stringify(data ?? null));
}

const done = async (result: ReturnType<TestApp['ask']>) => expect(refusalOf(await result)).toBeUndefined();
const stopping = (decision: 'suspendTransfer' | 'revokeTransfer'): Ending => ({
  begin: async ({ app }) => {
    const to = { recipient: { kind: 'APPLICATION', id: 'mailer' }, destinationCountry: 'IN', sccModule: 2 };
    const id = await approve(app, { ...sccToTheUs, ...to });
    return (through) => done(decide(through, officer, decision, id));
  },
  gives: (setting) => reaches(setting, 'IN'),
});
const partner: Asker = { role: 'PARTNER', client: 'acme', subject: 'mailer' };
const lee: Asker = { role: 'CLIENT_AGENT', client: 'acme', subject: 'lee@acme' };

const endings: Readonly<Record<string, Ending>> = {
  'a grant that is withdrawn': {
    begin: async ({ app, client }) => {
      const terms = { granteeKind: 'PRINCIPAL', grantee: 'lee@acme', purpose: 'LEGAL', reason: 'x' } as const;
      const { records } = app.services;
      const { id } = await records.grant({ client, principal }, terms);
      return (through) => through.services.records.withdraw(PurposeGrant, { client, principal }, id, 'over');
    },
    gives: (setting) => grants(setting, lee, 'LEGAL'),
  },
  'an instruction that is withdrawn': {
    begin: async ({ app, client }) => {
      const { records } = app.services;
      const instruction = await records.instruct({ client, principal }, { purpose: 'SUPPORT', reason: 'x' });
      return (through) =>
        through.services.records.withdraw(ClientInstruction, { client, principal }, instruction.id, 'over');
    },
    gives: (setting) => grants(setting, staff, 'SUPPORT'),
  },
  'a purpose that an agreement excludes': {
    begin: async ({ client }) => {
      const terms = { kind: 'DPA', version: '1' } as const;
      return (through) =>
        through.services.clients.sign(client, { ...terms, excludedPurposes: ['SECURITY'] }, principal);
    },
    gives: (setting) => grants(setting, lee, 'SECURITY'),
  },
  'an approval that is suspended': stopping('suspendTransfer'),
  'an approval that is revoked': stopping('revokeTransfer'),
  'a certification that is taken away': {
    begin: async ({ app, application }) => {
      const { certifications } = app.services.transfers;
      const recipient = { kind: 'APPLICATION', id: application } as const;
      const listing = { framework: 'EU_US_DPF', from: new Date(Date.now() - 100 * HOUR_MS) } as const;
      await certifications.certify(recipient, [listing], principal);
      return (through) => through.services.transfers.certifications.certify(recipient, [], principal);
    },
    gives: (setting) => reaches(setting, 'US'),
  },
  'an approval whose legal basis is suspended': {
    begin: async ({ app }) => {
      const to = { recipient: { kind: 'APPLICATION', id: 'mailer' }, destinationCountry: 'IN', sccModule: 2 };
      await approve(app, { ...sccToTheUs, ...to });
      const suspend = 'mutation { suspendLegalBasis(input: {basis: "SCC", reason: "annulled"}) { suspension { id } } }';
      return (through) => done(through.ask(platformOfficer, undefined, suspend));
    },
    gives: (setting) => reaches(setting, 'IN'),
  },
  'an installation whose privacy notice has a new version': {
    begin: async () => {
      const terms = { slug: 'mailer', name: 'Mailer', publisher: 'Mailer', country: 'IN', scopes: [] };
      const notice = { privacyNoticeVersion: '2', privacyNoticeUrl: 'https://publisher.example/privacy' };
      return (through) => through.services.parties.registerApplication({ ...terms, ...notice });
    },
    gives: (setting) => grants(setting, partner, 'SUPPORT'),
  },
  'a purpose that the person objects to': {
    begin: async ({ client, customer }) => {
      const by = { client, principal, reach: everybody };
      return (through) => through.services.processing.object(by, customer, ['SUPPORT']);
    },
    gives: (setting) => reads(setting, 'SUPPORT'),
  },
  'an erasure that a hold stops': {
    begin: async ({ client, customer }) => {
      const terms = { customerId: customer, categories: ['NAME' as const], matter: 'M-1', reason: 'a claim' };
      return (through) => through.services.erasure.holds.place({ client, principal }, terms);
    },
    gives: async ({ app, client, customer }) =>
      (await app.services.erasure.holds.list(client, { customerId: customer, inForce: true })).length === 0,
  },
};

describe.each(databases)('ends that hold at once, whatever the clocks say, on $name', ({ create }) => {
  describe.each([
    ['ahead', 2 * HOUR_MS],
    ['behind', -2 * HOUR_MS],
  ])('given through a process whose clock is two hours %s', (_, ahead) => {
    let database: TestDatabase;
    let setting: Setting;
    let other: TestApp;

    beforeAll(async () => {
      database = await create();
      const app = await openTestApp(database);
      const { client, ids } = await populate(app, 'acme', { DE: 1 });
      const terms = { slug: 'mailer', name: 'Mailer', publisher: 'Mailer', country: 'IN', scopes: [] };
      const notice = { privacyNoticeVersion: '1', privacyNoticeUrl: 'https://publisher.example/privacy' };
      const { id } = await app.services.parties.registerApplication({ ...terms, ...notice });
      const install = { applicationId: id, acceptedNoticeVersion: '1', purposes: ['SUPPORT' as const] };
      await app.services.parties.install(client, install, principal);
      setting = { app, client, customer: String(Object.values(ids)[0]), application: id };
      other = await withClock(ahead, () => app.replica());
    });
    afterAll(async () => {
      await other.close();
      await setting.app.close();
      await database.drop();
    });

    test.each(Object.entries(endings))('%s', async (__, { begin, gives }) => {
      const end = await begin(setting);
      expect(await gives(setting)).toBe(true);
      await withClock(ahead, () => end(other));
      expect(await gives(setting)).toBe(false);
    });
  });
});

test('an end that is set for later comes by date', async () => {
  const [{ create } = { create: undefined }] = databases;
  const database = await create?.();
  if (!database) throw new Error('no database');
  const app = await openTestApp(database);
  const { id: client } = await app.services.clients.register({ slug: 'acme', name: 'Acme' }, principal);
  const terms = { granteeKind: 'PRINCIPAL', grantee: 'lee@acme', purpose: 'LEGAL', reason: 'x' } as const;
  await app.services.records.grant({ client, principal }, { ...terms, validTo: new Date(Date.now() + HOUR_MS) });
  const setting = { app, client, customer: '', application: '' };
  expect(await grants(setting, lee, 'LEGAL')).toBe(true);
  const later = await withClock(2 * HOUR_MS, () => app.replica());
  expect(await grants({ ...setting, app: later }, lee, 'LEGAL')).toBe(false);
  await later.close();
  await app.close();
  await database.drop();
});
