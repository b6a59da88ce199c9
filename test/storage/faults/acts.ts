import type { Asker } from '../../support/app';
import type { World } from './world';

/** One mutation that does something: who asks, and its input after what it needs was made ready. */
export interface Act {
  readonly by: Asker | ((world: World) => Asker);
  readonly ready: (world: World) => Promise<object>;
  /** A table that a task fills later where the mutation could not, though it succeeds. */
  readonly later?: string;
}

/** The mutation of an act. What stands behind it in brackets tells two acts of one mutation apart. */
export const nameOf = (act: string): string => act.replace(/ .*/, '');

const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme', subject: 'admin@acme' };
const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme', subject: 'officer@acme' };
const staff: Asker = { role: 'PLATFORM_STAFF', client: 'acme', subject: 'ops@platform' };
const dpo: Asker = { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme', subject: 'dpo@platform' };
const deputy: Asker = { ...dpo, subject: 'deputy@platform' };

/** From another minute each time: what is certified already needs no proposal. */
const certified = ({ next }: World, kind: string, id?: string) => ({
  kind,
  id,
  certifications: [{ framework: 'EU_US_DPF', from: new Date(Date.UTC(2024, 0) + Number(next()) * 60_000) }],
});
const vendor = ({ next }: World) => ({
  slug: `vendor-${next()}`,
  name: 'Vendor',
  service: 'tickets',
  country: 'IE',
  purposes: ['SUPPORT'],
  categories: ['NAME', 'CONTACT'],
});
const application = ({ next }: World) => ({
  slug: `app-${next()}`,
  name: 'App',
  publisher: 'Publisher',
  country: 'DE',
  scopes: ['crm:read'],
  privacyNoticeVersion: '1',
  privacyNoticeUrl: 'https://app.example/privacy',
});
const disclosure = async (world: World) => ({
  recipient: 'Police of Hesse',
  authority: 'Amtsgericht Frankfurt',
  authorityCountry: 'DE',
  legalBasis: '§ 95 StPO',
  reference: `Gs ${world.next()}`,
  scope: 'name and address',
  categories: ['NAME', 'CONTACT'],
  customerIds: [await world.person()],
});
const transfer = async (world: World) => ({
  recipient: { kind: 'CLIENT' },
  destinationCountry: 'US',
  categories: ['NAME'],
  purposes: ['SUPPORT'],
  mechanism: 'SCC',
  sccModule: 4,
  assessment: `TIA-${world.next()}`,
});
const requested = async (world: World) => world.make(admin, 'requestTransferApproval', await transfer(world));
const decided = async (world: World, ...decisions: readonly string[]) => {
  const id = await requested(world);
  for (const decision of decisions) await world.make(officer, decision, { id, reason: 'made ready' });
  return { id, reason: 'swept' };
};
/** The basis is free: a second suspension of one would change nothing. */
const suspension = async (world: World) => ({
  basis: await world.freeBasis('EU-2023/1795'),
  reason: `ruling ${world.next()}`,
  from: '2040-01-01T00:00:00Z',
});
const proposal = (world: World) => world.make(dpo, 'certifyRecipient', certified(world, 'PLATFORM'));
const grant = ({ next }: World) => ({
  purpose: 'IMPROVEMENT',
  granteeKind: 'PRINCIPAL',
  grantee: `somebody-${next()}`,
  reason: 'swept',
});
const instruction = ({ next }: World) => ({ purpose: 'SUPPORT', principal: `agent-${next()}`, reason: 'swept' });
/** Whoever administers the client that was registered last. */
const ofLatest = ({ latest }: World): Asker => ({ ...admin, client: latest() });
/** The platform proposes an act on a client that has ordered it. */
const ordered = async (world: World, act: 'END_CLIENT' | 'EXPORT_CLIENT', proposing: string, terms: object) => {
  const clientId = await world.client();
  const { records } = world.app.services;
  const order = { purpose: 'LEGAL' as const, reason: 'swept', acts: [act] };
  await records.instruct({ client: clientId, principal: 'admin' }, order);
  const ofClient = { ...staff, client: world.latest() };
  return { id: await world.make(ofClient, proposing, { clientId, ...terms }) };
};
const deputyOfLatest = ({ latest }: World): Asker => ({ ...deputy, client: latest() });
/** A client with exports that are ready: another one takes their place. */
const exported = async (world: World) => {
  const clientId = await world.client();
  for (let number = 0; number < 2; number++) {
    await world.make(ofLatest(world), 'requestClientExport', { clientId });
    await world.setReady(clientId);
  }
  return { clientId };
};
const about = (more: (customerId: string) => object) => ({
  by: admin,
  ready: async (world: World) => more(await world.person()),
});

/** Acts by mutation: one of which none is here fails the sweep. */
export const acts: Readonly<Record<string, Act>> = {
  createCustomer: {
    by: admin,
    ready: async ({ next }) => ({
      externalId: `new-${next()}`,
      firstName: 'Ada',
      residency: 'DE',
      email: `ada-${next()}@example.org`,
      attributes: [{ key: 'plan', value: 'gold' }],
    }),
  },
  updateCustomer: about((customerId) => ({
    customerId,
    firstName: 'Eva',
    attributes: [{ key: 'plan', value: 'new' }],
  })),
  restrictProcessing: about((customerId) => ({ customerId, ground: 'LEGAL_CLAIM' })),
  liftRestriction: {
    by: admin,
    ready: async (world) => {
      const customerId = await world.person();
      await world.make(admin, 'restrictProcessing', { customerId, ground: 'LEGAL_CLAIM' });
      return { customerId };
    },
  },
  objectToProcessing: about((customerId) => ({ customerId, purposes: ['IMPROVEMENT'] })),
  withdrawObjection: {
    by: admin,
    ready: async (world) => {
      const customerId = await world.person();
      await world.make(admin, 'objectToProcessing', { customerId, purposes: ['IMPROVEMENT'] });
      return { customerId, purposes: ['IMPROVEMENT'] };
    },
  },
  recordAutomatedDecision: about((customerId) => ({ customerId, subject: 'credit', logic: 'score below 3' })),
  requestErasure: about((customerId) => ({ customerId, grounds: 'OBJECTION', note: 'by telephone' })),
  requestErasures: {
    by: admin,
    ready: async (world) => ({ customerIds: [await world.person(), await world.person()], grounds: 'OBJECTION' }),
    // Its records are in the keys' store; the worker makes up for missing ones.
    later: 'erasure_ledger',
  },
  cancelErasure: {
    by: admin,
    ready: async (world) => {
      const input = { customerId: await world.person(), grounds: 'OBJECTION', startsAt: '2040-01-01T00:00:00Z' };
      return { id: await world.make(admin, 'requestErasure', input) };
    },
  },
  placeLegalHold: about((customerId) => ({ customerId, categories: ['HEALTH'], matter: 'case 1', reason: 'court' })),
  releaseLegalHold: {
    by: admin,
    ready: async (world) => {
      const hold = { customerId: await world.person(), categories: ['HEALTH'], matter: 'case 1', reason: 'court' };
      return { id: await world.make(admin, 'placeLegalHold', hold) };
    },
  },
  recordDisclosure: { by: staff, ready: disclosure },
  approveDisclosure: {
    by: dpo,
    ready: async (world) => ({ id: await world.make(staff, 'recordDisclosure', await disclosure(world)) }),
  },
  refuseDisclosure: {
    by: dpo,
    ready: async (world) => ({
      id: await world.make(staff, 'recordDisclosure', await disclosure(world)),
      reason: 'too broad',
    }),
  },
  requestTransferApproval: { by: admin, ready: transfer },
  approveTransfer: { by: officer, ready: (world) => decided(world) },
  rejectTransfer: { by: officer, ready: (world) => decided(world) },
  suspendTransfer: { by: officer, ready: (world) => decided(world, 'approveTransfer') },
  resumeTransfer: { by: officer, ready: (world) => decided(world, 'approveTransfer', 'suspendTransfer') },
  revokeTransfer: { by: officer, ready: (world) => decided(world, 'approveTransfer') },
  suspendLegalBasis: { by: dpo, ready: suspension },
  reinstateLegalBasis: {
    by: dpo,
    ready: async (world) => ({
      id: await world.make(dpo, 'suspendLegalBasis', await suspension(world)),
      reason: 'over',
    }),
  },
  certifyRecipient: {
    by: dpo,
    ready: async (world) =>
      certified(world, 'SUB_PROCESSOR', await world.make(staff, 'registerSubProcessor', vendor(world))),
  },
  confirmProposal: { by: deputy, ready: async (world) => ({ id: await proposal(world) }) },
  'confirmProposal (END_CLIENT)': {
    by: deputyOfLatest,
    ready: (world) => ordered(world, 'END_CLIENT', 'terminateClient', { effectiveOn: '2040-01-01T00:00:00Z' }),
  },
  'confirmProposal (EXPORT_CLIENT)': {
    by: deputyOfLatest,
    ready: (world) => ordered(world, 'EXPORT_CLIENT', 'requestClientExport', {}),
  },
  refuseProposal: { by: deputy, ready: async (world) => ({ id: await proposal(world), reason: 'no' }) },
  giveInstruction: { by: admin, ready: async (world) => instruction(world) },
  withdrawInstruction: {
    by: admin,
    ready: async (world) => ({ id: await world.make(admin, 'giveInstruction', instruction(world)), reason: 'over' }),
  },
  grantPurpose: { by: officer, ready: async (world) => grant(world) },
  withdrawPurpose: {
    by: officer,
    ready: async (world) => ({ id: await world.make(officer, 'grantPurpose', grant(world)), reason: 'over' }),
  },
  installThirdPartyApplication: {
    by: admin,
    ready: async (world) => ({
      applicationId: await world.make(staff, 'registerThirdPartyApplication', application(world)),
      acceptedNoticeVersion: '1',
      purposes: ['SUPPORT'],
    }),
  },
  registerClient: {
    by: staff,
    ready: async ({ next }) => ({
      slug: `client-${next()}`,
      name: 'Client',
      country: 'DE',
      administrator: { email: 'boss@example.org', name: 'Boss' },
    }),
  },
  registerSubProcessor: { by: staff, ready: async (world) => vendor(world) },
  registerThirdPartyApplication: { by: staff, ready: async (world) => application(world) },
  registerWebhook: {
    by: dpo,
    ready: async (world) => {
      const terms = vendor(world);
      await world.make(staff, 'registerSubProcessor', terms);
      return { subProcessor: terms.slug, url: 'https://vendor.example/hook' };
    },
  },
  requestClientExport: { by: ofLatest, ready: async (world) => ({ clientId: await world.client() }) },
  'requestClientExport (again)': { by: ofLatest, ready: exported },
  terminateClient: {
    by: ofLatest,
    ready: async (world) => ({ clientId: await world.client(), effectiveOn: '2040-01-01T00:00:00Z' }),
  },
  nameClientContacts: { by: admin, ready: async ({ next }) => ({ representative: `Representative ${next()}` }) },
  setRetention: { by: officer, ready: async ({ next }) => ({ category: 'BEHAVIOUR', days: 100 + Number(next()) }) },
  signAgreement: { by: admin, ready: async ({ next }) => ({ kind: 'HEALTH', version: `2026-${next()}` }) },
};
