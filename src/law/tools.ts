/** What carries a transfer: a finding, an appropriate safeguard, or a derogation for a single case. */
export interface ToolTerms {
  readonly kind: 'ADEQUACY' | 'SAFEGUARD' | 'DEROGATION' | 'NATIONAL';
  readonly title: string;
  /** An assessment of the destination's law (CJEU C-311/18; EDPB Recommendations 01/2020). */
  readonly assessment?: boolean;
  /** The supervisory authority has to authorise it (GDPR Art. 46(3)). */
  readonly authorisation?: boolean;
  /** Between public bodies only. */
  readonly publicBodies?: boolean;
  /** One of the modules of the standard contractual clauses has to be named. */
  readonly modules?: boolean;
}

const derogation = (title: string) => ({ kind: 'DEROGATION', title }) as const;

/** The mechanisms that an approval may rest on, by name. Where one is law, its regimes say. */
export const tools = {
  ADEQUACY: {
    kind: 'ADEQUACY',
    title: 'an adequacy finding in force for the recipient (GDPR Art. 45)',
  },
  SCC: {
    kind: 'SAFEGUARD',
    title: 'standard contractual clauses adopted by the Commission, Decision (EU) 2021/914',
    assessment: true,
    modules: true,
  },
  SCC_AUTHORITY: {
    kind: 'SAFEGUARD',
    title: 'standard clauses adopted by a supervisory authority and approved by the Commission',
    assessment: true,
  },
  UK_IDTA: {
    kind: 'SAFEGUARD',
    title: 'the International Data Transfer Agreement of the UK',
    assessment: true,
  },
  UK_ADDENDUM: {
    kind: 'SAFEGUARD',
    title: 'the UK Addendum to the standard contractual clauses of the Commission',
    assessment: true,
    modules: true,
  },
  BCR: {
    kind: 'SAFEGUARD',
    title: 'binding corporate rules (GDPR Art. 47)',
    assessment: true,
  },
  CODE_OF_CONDUCT: {
    kind: 'SAFEGUARD',
    title: 'an approved code of conduct with binding and enforceable commitments',
    assessment: true,
  },
  CERTIFICATION: {
    kind: 'SAFEGUARD',
    title: 'an approved certification mechanism with binding and enforceable commitments',
    assessment: true,
  },
  PUBLIC_INSTRUMENT: {
    kind: 'SAFEGUARD',
    title: 'a legally binding instrument between public authorities or bodies',
    assessment: true,
    publicBodies: true,
  },
  AD_HOC_CLAUSES: {
    kind: 'SAFEGUARD',
    title: 'contractual clauses that the supervisory authority authorised',
    assessment: true,
    authorisation: true,
  },
  ADMINISTRATIVE_ARRANGEMENT: {
    kind: 'SAFEGUARD',
    title: 'provisions in arrangements between public authorities, authorised',
    assessment: true,
    authorisation: true,
    publicBodies: true,
  },
  DEROGATION_CONSENT: derogation('explicit consent after being informed of the risks'),
  DEROGATION_CONTRACT: derogation('a contract with the data subject, or steps before one'),
  DEROGATION_CONTRACT_IN_INTEREST: derogation('a contract concluded in the interest of the data subject'),
  DEROGATION_PUBLIC_INTEREST: derogation('important reasons of public interest'),
  DEROGATION_LEGAL_CLAIMS: derogation('legal claims'),
  DEROGATION_VITAL_INTERESTS: derogation('vital interests of a person who cannot consent'),
  DEROGATION_PUBLIC_REGISTER: derogation('a public register'),
  DEROGATION_COMPELLING_INTERESTS: {
    ...derogation('compelling legitimate interests: not repetitive, few people, assessed and safeguarded'),
    assessment: true,
  },
  NATIONAL_LAW: {
    kind: 'NATIONAL',
    title: "the law of a country of residence that no regime here covers, as the client's officer assessed it",
    assessment: true,
  },
} as const satisfies Record<string, ToolTerms>;

export type ToolName = keyof typeof tools;

/** Modules of the standard contractual clauses, by the roles of exporter and importer. */
export const sccModules = {
  1: { exporter: 'CONTROLLER', importer: 'CONTROLLER' },
  2: { exporter: 'CONTROLLER', importer: 'PROCESSOR' },
  3: { exporter: 'PROCESSOR', importer: 'PROCESSOR' },
  4: { exporter: 'PROCESSOR', importer: 'CONTROLLER' },
} as const;

export type LegalRole = 'CONTROLLER' | 'PROCESSOR';

/** The longest that a derogation may run: it is for single cases (GDPR recital 111; EDPB Guidelines 2/2018). */
export const derogationDays = 90;
/** The most people whom one derogation may name. */
export const derogationSubjects = 100;
