/** A person as a mutation of the sweep names them, or nobody of these ids. */
export interface Target {
  readonly id: string;
  /** External id, source and part of the e-mail address: nobody else has it. */
  readonly name: string;
  /** Ids of records about the person. */
  readonly request: string;
  readonly hold: string;
}

/**
 * What a mutation does to a person. `fields` writes fields. `act` is an act about the person (reach.ts). `record` is an
 * act on a record that the client's officers see anyway. `legal` is an act that is always for LEGAL. `creates` adds a
 * person. `nobody` touches no person, whatever its ids.
 */
export type Effect = 'fields' | 'act' | 'record' | 'legal' | 'creates' | 'nobody';

export interface Case {
  readonly effect: Effect;
  readonly input: (target: Target) => object;
  /** Fields that are written, of those that the sweep reads: each must be readable. */
  readonly written?: readonly string[];
  /** Selection of the payload. */
  readonly select: string;
}

const nothing = '__typename';
const fields = (written: readonly string[], input: (target: Target) => object): Case => {
  return { effect: 'fields', written, input, select: nothing };
};
const act = (input: (target: Target) => object, select = nothing): Case => ({ effect: 'act', input, select });
/** An act about whom a filter finds: what it asks about has to be readable. */
const found = (input: (target: Target) => object): Case => {
  return { ...fields(['residency'], input), select: 'requested underErasure unknown complete' };
};
const record = (input: (target: Target) => object): Case => ({ effect: 'record', input, select: nothing });
/** Inputs are such that nothing is done: what they name is not there, or what they say is empty. */
const nobody = (input: (target: Target) => object): Case[] => [{ effect: 'nobody', input, select: nothing }];
const decided = nobody(({ id }) => ({ id, reason: 'swept' }));

/** The sweep's inputs, by mutation: one that is not here fails it. */
export const inputs: Readonly<Record<string, readonly Case[]>> = {
  createCustomer: [
    {
      effect: 'creates',
      input: ({ name }) => ({ externalId: name, firstName: 'Swept', residency: 'DE' }),
      select: 'customer { id firstName }',
    },
    {
      effect: 'creates',
      input: ({ name }) => ({ email: `${name}@example.org`, firstName: 'Swept', residency: 'DE' }),
      select: 'customer { id firstName }',
    },
  ],
  updateCustomer: [
    fields(['email'], ({ id, name }) => ({ customerId: id, email: `${name}@example.net` })),
    fields(['residency'], ({ id }) => ({ customerId: id, residency: 'AT' })),
    fields(['residency', 'gender'], ({ id }) => ({ customerId: id, residency: null, gender: 'swept' })),
    fields(['externalId', 'postalAddress'], ({ id }) => ({
      customerId: id,
      externalId: `swept-${id}`,
      postalAddress: { city: 'Wien' },
    })),
    fields(['attributes'], ({ id }) => ({ customerId: id, attributes: [{ key: 'swept', value: 'x' }] })),
  ],
  restrictProcessing: [act(({ id }) => ({ customerId: id, ground: 'LEGAL_CLAIM' }))],
  liftRestriction: [act(({ id }) => ({ customerId: id }))],
  objectToProcessing: [act(({ id }) => ({ customerId: id, purposes: ['IMPROVEMENT'] }))],
  // It opens what an objection bars: a write.
  withdrawObjection: [fields([], ({ id }) => ({ customerId: id, purposes: ['IMPROVEMENT'] }))],
  recordAutomatedDecision: [
    // Of the same category as an attribute, and so readable with it.
    fields(['attributes'], ({ id }) => ({ customerId: id, subject: 'swept', logic: 'swept' })),
  ],
  requestErasure: [
    act(({ id }) => ({ customerId: id, grounds: 'OBJECTION' })),
    act(({ id }) => ({ customerId: id, categories: ['BEHAVIOUR'], grounds: 'OBJECTION' })),
  ],
  requestErasures: [
    act(({ id }) => ({ customerIds: [id], grounds: 'OBJECTION' }), 'requested underErasure unknown'),
    found(({ name }) => ({ filter: { source: name }, grounds: 'OBJECTION' })),
    found(({ name }) => ({ filter: { source: name, residency: 'RU' }, grounds: 'OBJECTION' })),
    found(({ name }) => ({ filter: { source: name }, categories: ['CREDENTIAL'], grounds: 'OBJECTION' })),
  ],
  cancelErasure: [record(({ request }) => ({ id: request }))],
  placeLegalHold: [act(({ id }) => ({ customerId: id, categories: ['HEALTH'], matter: 'swept', reason: 'swept' }))],
  releaseLegalHold: [record(({ hold }) => ({ id: hold }))],
  recordDisclosure: [
    {
      effect: 'legal',
      input: ({ id }) => ({
        recipient: 'a court',
        legalBasis: 'swept',
        reference: 'swept',
        scope: 'swept',
        categories: ['CONTACT'],
        customerIds: [id],
      }),
      select: 'disclosure { subjectCount }',
    },
  ],
  approveDisclosure: nobody(({ id }) => ({ id })),
  refuseDisclosure: decided,
  approveTransfer: decided,
  rejectTransfer: decided,
  suspendTransfer: decided,
  resumeTransfer: decided,
  revokeTransfer: decided,
  requestTransferApproval: nobody(({ id }) => ({
    recipient: { kind: 'CLIENT' },
    destinationCountry: 'US',
    categories: ['NAME'],
    purposes: ['SUPPORT'],
    mechanism: 'DEROGATION_CONSENT',
    dataSubjects: [id],
  })),
  reinstateLegalBasis: decided,
  suspendLegalBasis: nobody(({ id }) => ({ basis: id, reason: 'swept' })),
  certifyRecipient: nobody(({ id }) => ({ kind: 'SUB_PROCESSOR', id, certifications: [] })),
  confirmProposal: nobody(({ id }) => ({ id })),
  refuseProposal: decided,
  giveInstruction: nobody(({ id }) => ({ purpose: 'SUPPORT', principal: id, reason: '' })),
  withdrawInstruction: decided,
  grantPurpose: nobody(({ id }) => ({ purpose: 'SUPPORT', granteeKind: 'PRINCIPAL', grantee: id, reason: '' })),
  withdrawPurpose: decided,
  installThirdPartyApplication: nobody(({ id }) => ({
    applicationId: id,
    acceptedNoticeVersion: '1',
    purposes: ['SUPPORT'],
  })),
  registerClient: nobody(({ name }) => ({ slug: name, name: '' })),
  registerSubProcessor: nobody(({ name }) => ({
    slug: name,
    name: '',
    service: 'swept',
    country: 'DE',
    categories: [],
    purposes: [],
  })),
  registerThirdPartyApplication: nobody(({ name }) => ({
    slug: name,
    name: '',
    publisher: 'swept',
    country: 'DE',
    privacyNoticeVersion: '1',
    scopes: [],
  })),
  registerWebhook: nobody(({ id }) => ({ subProcessor: id, url: 'https://example.org/' })),
  requestClientExport: nobody(({ id }) => ({ clientId: id })),
  terminateClient: nobody(({ id }) => ({ clientId: id, effectiveOn: '2030-01-01T00:00:00Z' })),
  nameClientContacts: nobody(() => ({ representative: 'x'.repeat(301) })),
  setRetention: nobody(() => ({ days: -1 })),
  signAgreement: nobody(() => ({ kind: 'MASTER', version: '' })),
};
