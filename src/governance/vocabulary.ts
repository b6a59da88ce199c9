import { type Deidentification, methods } from './deidentification/methods';

/**
 * The default words of policies, which are also Remit's own. Fideslang keys: IABTechLab/fideslang data_files at
 * 76ba0add (CC BY 4.0). DPV IRIs: W3C DPV 2.3 at f01a55c3. The pairing of our terms with theirs is this project's
 * judgement.
 */
interface Term {
  /** Key in the fideslang taxonomy. */
  readonly fides: string;
  /** IRI in the W3C Data Privacy Vocabulary. */
  readonly dpv: string;
  readonly description: string;
}

const DPV = 'https://w3id.org/dpv#';
const PD = 'https://w3id.org/dpv/pd#';

interface PurposeTerm extends Term {
  /** Reads what a person's restriction closes: legal claims and duties go on (GDPR Art. 18(2), 21(1)). */
  readonly exemptFromRestriction?: true;
}

/** Why personal data is read (statement P1 a–e). */
export const processingPurposes = {
  SERVICE_DELIVERY: {
    fides: 'essential.service',
    dpv: `${DPV}RequestedServiceProvision`,
    description: 'Letting client users access and use the service (P1a).',
  },
  SECURITY: {
    fides: 'essential.service.security',
    dpv: `${DPV}EnforceSecurity`,
    description: 'Keeping the service secure (P1b).',
  },
  SUPPORT: {
    fides: 'essential.service.operations.support',
    dpv: `${DPV}CommunicationForCustomerCare`,
    description: 'Answering inquiries, complaints and support requests (P1c).',
  },
  LEGAL: {
    fides: 'essential.legal_obligation',
    dpv: `${DPV}LegalCompliance`,
    description: 'Complying with law, enforcing terms, investigating illegal activity (P1d).',
    exemptFromRestriction: true,
  },
  IMPROVEMENT: {
    fides: 'functional.service.improve',
    dpv: `${DPV}ImproveExistingProductsAndServices`,
    description: 'Improving the service, by aggregated or de-identified data (P1e).',
  },
} as const satisfies Record<string, PurposeTerm>;

/** What a datum is (statement C1–C3). */
export const dataCategories = {
  NAME: { fides: 'user.name', dpv: `${PD}Name`, description: 'First and last name.' },
  CONTACT: {
    fides: 'user.contact',
    dpv: `${PD}Contact`,
    description: 'Email, telephone, social handle, postal address.',
  },
  ONLINE_IDENTIFIER: {
    fides: 'user.unique_id',
    dpv: `${PD}Identifying`,
    description: 'IP addresses and identifiers that single a person out.',
  },
  DEMOGRAPHIC: { fides: 'user.demographic', dpv: `${PD}Demographic`, description: 'Gender, country of residence.' },
  COMMERCE: { fides: 'user.behavior.purchase_history', dpv: `${PD}Purchase`, description: 'Orders and purchases.' },
  CORRESPONDENCE: {
    fides: 'user.content.private',
    dpv: `${PD}Communication`,
    description: 'Messages between the person and client users.',
  },
  HEALTH: {
    fides: 'user.health_and_medical',
    dpv: `${PD}MedicalHealth`,
    description: 'Medical information; only under a HIPAA business associate agreement.',
  },
  BEHAVIOUR: {
    fides: 'user.behavior',
    dpv: `${PD}Behavioral`,
    description: "What the client records of its customers' use of its products.",
  },
  CREDENTIAL: { fides: 'user.authorization', dpv: `${PD}Authenticating`, description: 'Account credentials.' },
  DEVICE: { fides: 'user.device', dpv: `${PD}DeviceBased`, description: 'Browser, operating system, device id.' },
  USAGE: { fides: 'user.telemetry', dpv: `${PD}ServiceConsumptionBehavior`, description: 'Pages viewed, searches.' },
} as const satisfies Record<string, Term>;

/** Whose datum it is (statement R1). */
export const dataSubjects = {
  CUSTOMER: {
    fides: 'customer',
    dpv: `${DPV}Customer`,
    description: "A person whose data a client keeps: the client's customer.",
  },
  CLIENT_USER: {
    fides: 'employee',
    dpv: `${DPV}Employee`,
    description: 'An employee of the client who works in the platform.',
  },
} as const satisfies Record<string, Term>;

/** The methods of de-identification with their descriptions. */
export const deidentifications = Object.fromEntries(
  Object.entries(methods).map(([name, { description }]) => [name, description]),
) as Readonly<Record<Deidentification, string>>;

export const agreementKinds = {
  MASTER: 'The client agreement.',
  DPA: 'Data processing addendum.',
  HEALTH: 'HIPAA business associate agreement.',
} as const;

export const filterOperators = {
  EQ: 'equals',
  NE: 'differs from',
  IN: 'is one of',
  LT: 'is less than',
  LTE: 'is at most',
  GT: 'is greater than',
  GTE: 'is at least',
  PREFIX: 'begins with',
  CONTAINS: 'contains',
  SORT: 'orders by',
  AGGREGATE: 'counts or sums by',
} as const;

export type ProcessingPurpose = keyof typeof processingPurposes;
export type DataCategory = keyof typeof dataCategories;
export type DataSubject = keyof typeof dataSubjects;
export type { Deidentification };
export type AgreementKind = keyof typeof agreementKinds;
export type FilterOperator = keyof typeof filterOperators;

export const allCategories = Object.keys(dataCategories) as DataCategory[];
export const allPurposes = Object.keys(processingPurposes) as ProcessingPurpose[];

/** Purposes that neither a restriction of processing nor an objection closes. */
export const exemptPurposes: readonly ProcessingPurpose[] = allPurposes.filter(
  (purpose) => 'exemptFromRestriction' in processingPurposes[purpose],
);

/** Whether a text is a purpose, in exactly this spelling. */
export const isPurpose = (text: unknown): text is ProcessingPurpose => isOneOf(processingPurposes, text);

/** Whether a text is a category. */
export const isCategory = (text: unknown): text is DataCategory => isOneOf(dataCategories, text);

/** Whether a text is a kind of subject. */
export const isSubject = (text: unknown): text is DataSubject => isOneOf(dataSubjects, text);

const isOneOf = (terms: object, text: unknown): boolean => typeof text === 'string' && Object.hasOwn(terms, text);
