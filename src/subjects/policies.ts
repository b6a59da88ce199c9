import { otherwise } from '../tenancy/personal-data';
import type { PersonalDataOptions } from '../tenancy/tenant-table';

/*
 * The privacy statement's rules for each kind of data, as options of @PersonalData. A field adds how it is stored, and
 * differs where it must. IMPROVEMENT never reads names or contact data in the clear (P1e).
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

/** Contact data: email, phone, handle, street (C1). */
export const contact: Policy = {
  category: 'CONTACT',
  allow: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
  deidentify: { SECURITY: 'PARTIAL', IMPROVEMENT: 'PSEUDONYM' },
  ...untilAgreementEnds,
};

/** The parts of an address that locate a person within a city. */
export const whereabouts: Policy = { ...contact, deidentify: {} };

/** Ids of rows about a person. They may not be null, so a withheld row shows its pseudonym. */
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

/** The country whose law covers the person. It decides on transfers, and is coarse enough for every purpose. */
export const residence: Policy = {
  category: 'DEMOGRAPHIC',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL', 'IMPROVEMENT'],
  ...untilAgreementEnds,
};

/** Times of events about a person. */
export const moment: Policy = {
  category: 'BEHAVIOUR',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL'],
  deidentify: { IMPROVEMENT: 'GENERALIZE' },
  ...untilAgreementEnds,
};

const purchaseReaders = ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'] as const;

/** The data's source (C2): the systems that a person uses say something about them. */
export const origin: Policy = {
  category: 'BEHAVIOUR',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL'],
  ...untilAgreementEnds,
};

/** What was bought (C1). */
export const purchase: Policy = { category: 'COMMERCE', allow: purchaseReaders, ...untilAgreementEnds };

/** Amounts and times, which statistics may keep once they identify nobody (D4). */
export const purchaseAmount: Policy = {
  ...purchase,
  deidentify: { IMPROVEMENT: 'BUCKET' },
  erasure: 'DEIDENTIFY',
};
export const purchaseTime: Policy = { ...purchase, deidentify: { IMPROVEMENT: 'GENERALIZE' }, erasure: 'DEIDENTIFY' };
export const purchaseFact: Policy = { ...purchase, allow: [...purchaseReaders, 'IMPROVEMENT'], erasure: 'DEIDENTIFY' };
export const purchaseId: Policy = { ...purchase, ...otherwise('PSEUDONYM', purchase.allow) };

/** Correspondence between a person and client users (C1): never for security or improvement. */
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
/**
 * The id alone needs no agreement. It may not be null, and says nothing where the rest, and so the list, is withheld.
 */
export const healthId: Policy = {
  category: 'HEALTH',
  ...otherwise('PSEUDONYM', ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL']),
  ...untilAgreementEnds,
};

/** Ids of rows about behaviour. They may not be null, so a withheld row shows its pseudonym. */
export const behaviourId: Policy = {
  category: 'BEHAVIOUR',
  ...otherwise('PSEUDONYM', ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL']),
  ...untilAgreementEnds,
};

/** What a person said about the processing of their data, for everybody who must follow it. */
export const objection: Policy = {
  category: 'BEHAVIOUR',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL'],
  ...untilAgreementEnds,
};

/** Other data that the client collects about the use of its products (C1). */
export const behaviour: Policy = {
  category: 'BEHAVIOUR',
  allow: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
  ...untilAgreementEnds,
};
