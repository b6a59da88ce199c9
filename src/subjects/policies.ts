import { otherwise, type PersonalDataOptions } from '../tenancy/tenant-table';

/*
 * What the statement says of each kind of datum, as the options of @PersonalData. A field adds how it is stored, and
 * deviates where it has to. IMPROVEMENT never reads anything in the clear that names or reaches a person (P1e).
 */

type Policy = Omit<PersonalDataOptions, 'stored'>;

const untilAgreementEnds = { retention: 'AGREEMENT', erasure: 'DELETE' } as const;

/** First and last name (C1). */
export const name: Policy = {
  category: 'NAME',
  allow: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
  deidentify: { SECURITY: 'PARTIAL' },
  ...untilAgreementEnds,
};

/** What reaches a person: email, phone, handle, street (C1). */
export const contact: Policy = {
  category: 'CONTACT',
  allow: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
  deidentify: { SECURITY: 'PARTIAL', IMPROVEMENT: 'PSEUDONYM' },
  ...untilAgreementEnds,
};

/** Parts of an address that place a person within a city. */
export const whereabouts: Policy = { ...contact, deidentify: {} };

/** Identifiers of rows about a person: something must always stand there, so a withheld row has its pseudonym. */
export const identifier: Policy = {
  category: 'ONLINE_IDENTIFIER',
  ...otherwise('PSEUDONYM', ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL']),
  ...untilAgreementEnds,
};

export const networkAddress: Policy = {
  category: 'ONLINE_IDENTIFIER',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'LEGAL'],
  deidentify: { SUPPORT: 'GENERALIZE', IMPROVEMENT: 'GENERALIZE' },
  ...untilAgreementEnds,
};

export const demographic: Policy = {
  category: 'DEMOGRAPHIC',
  allow: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
  ...untilAgreementEnds,
};

/** The country whose law covers the person: coarse enough for every purpose, and what transfers are decided by. */
export const residence: Policy = {
  category: 'DEMOGRAPHIC',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL', 'IMPROVEMENT'],
  ...untilAgreementEnds,
};

/** Times at which something about the person happened. */
export const moment: Policy = {
  category: 'BEHAVIOUR',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL'],
  deidentify: { IMPROVEMENT: 'GENERALIZE' },
  ...untilAgreementEnds,
};

const purchaseReaders = ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'] as const;

/** Where the data came from (C2): the system that a person deals with says something of them. */
export const origin: Policy = {
  category: 'BEHAVIOUR',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL'],
  ...untilAgreementEnds,
};

/** What was bought (C1). */
export const purchase: Policy = { category: 'COMMERCE', allow: purchaseReaders, ...untilAgreementEnds };

/** How much and when: what statistics may keep once it names nobody (D4). */
export const purchaseAmount: Policy = {
  ...purchase,
  deidentify: { IMPROVEMENT: 'BUCKET' },
  erasure: 'DEIDENTIFY',
};
export const purchaseTime: Policy = { ...purchase, deidentify: { IMPROVEMENT: 'GENERALIZE' }, erasure: 'DEIDENTIFY' };
export const purchaseFact: Policy = { ...purchase, allow: [...purchaseReaders, 'IMPROVEMENT'], erasure: 'DEIDENTIFY' };
export const purchaseId: Policy = { ...purchase, ...otherwise('PSEUDONYM', purchase.allow) };

/** Correspondence between the person and client users (C1): never for security or improvement. */
export const correspondence: Policy = {
  category: 'CORRESPONDENCE',
  allow: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
  ...untilAgreementEnds,
};
export const correspondenceId: Policy = { ...correspondence, ...otherwise('PSEUDONYM', correspondence.allow) };

/** Medical information (C1): only with a HIPAA business associate agreement in force, never for improvement. */
export const health: Policy = {
  category: 'HEALTH',
  allow: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
  requiresAgreement: 'HEALTH',
  ...untilAgreementEnds,
};
/** The id alone needs no agreement: it may not be null, and says nothing where the rest, and so the list, is withheld. */
export const healthId: Policy = {
  category: 'HEALTH',
  ...otherwise('PSEUDONYM', ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL']),
  ...untilAgreementEnds,
};

/** Identifiers of rows about behaviour: something must always stand there, so a withheld row has its pseudonym. */
export const behaviourId: Policy = {
  category: 'BEHAVIOUR',
  ...otherwise('PSEUDONYM', ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL']),
  ...untilAgreementEnds,
};

/** How a person's data may be processed, as the person said: for all who have to obey it. */
export const objection: Policy = {
  category: 'BEHAVIOUR',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL'],
  ...untilAgreementEnds,
};

/** What else the client collects about the use of its products (C1). */
export const behaviour: Policy = {
  category: 'BEHAVIOUR',
  allow: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
  ...untilAgreementEnds,
};
