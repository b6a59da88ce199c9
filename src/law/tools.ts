import type { Dated, Sourced } from './sourced';

/** Where a tool is law: in which regime, by which article. */
export interface Provision extends Sourced, Dated {
  /** Names it as a legal basis. */
  readonly id: string;
  readonly regime: string;
  readonly article: string;
}

/** What carries a transfer that adequacy does not: an appropriate safeguard, or a derogation for a single case. */
export interface TransferTool {
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
  readonly provisions: readonly Provision[];
}

const GDPR = 'https://w3id.org/dpv/legal/eu/gdpr#';

function eea(paragraph: string, dpv: string, source = 'Regulation (EU) 2016/679'): Provision {
  const article = `GDPR Art. ${paragraph}`;
  return { id: `EU-GDPR-${paragraph}`, regime: 'EEA', article, from: '2018-05-25', source, dpv: `${GDPR}${dpv}` };
}

function uk(paragraph: string, source = 'UK GDPR'): Provision {
  return { id: `UK-GDPR-${paragraph}`, regime: 'UK', article: `UK GDPR Art. ${paragraph}`, from: '2021-01-01', source };
}

function swiss(paragraph: string, source = 'Federal Act on Data Protection (SR 235.1)'): Provision {
  return { id: `CH-FADP-${paragraph}`, regime: 'CH', article: `FADP Art. ${paragraph}`, from: '2023-09-01', source };
}

const derogation = (title: string, ...provisions: Provision[]): TransferTool => ({
  kind: 'DEROGATION',
  title,
  provisions,
});

/** The mechanisms that an approval may rest on, by name. */
export const tools: Readonly<Record<string, TransferTool>> = {
  ADEQUACY: {
    kind: 'ADEQUACY',
    title: 'an adequacy finding in force for the recipient (GDPR Art. 45)',
    provisions: [],
  },
  SCC: {
    kind: 'SAFEGUARD',
    title: 'standard contractual clauses adopted by the Commission, Decision (EU) 2021/914',
    assessment: true,
    modules: true,
    provisions: [
      {
        ...eea('46(2)(c)', 'A46-2-c', 'Implementing Decision (EU) 2021/914, OJ L 199, 7.6.2021, p. 31'),
        id: 'EU-2021/914',
        // Adopted on 2021-06-04; Art. 4: it enters into force on the twentieth day after its publication on 2021-06-07.
        from: '2021-06-27',
      },
      swiss('16(2)(d)', 'FADP Art. 16(2)(d); recognised with adaptations by the FDPIC on 2021-08-27'),
    ],
  },
  SCC_AUTHORITY: {
    kind: 'SAFEGUARD',
    title: 'standard clauses adopted by a supervisory authority and approved by the Commission',
    assessment: true,
    provisions: [eea('46(2)(d)', 'A46-2-d')],
  },
  UK_IDTA: {
    kind: 'SAFEGUARD',
    title: 'the International Data Transfer Agreement of the UK',
    assessment: true,
    provisions: [
      {
        ...uk('46(2)(d)', 'ICO, issued under Data Protection Act 2018 s. 119A, in force 2022-03-21'),
        id: 'UK-IDTA',
        from: '2022-03-21',
      },
    ],
  },
  UK_ADDENDUM: {
    kind: 'SAFEGUARD',
    title: 'the UK Addendum to the standard contractual clauses of the Commission',
    assessment: true,
    modules: true,
    provisions: [
      {
        ...uk('46(2)(d)', 'ICO, issued under Data Protection Act 2018 s. 119A, in force 2022-03-21'),
        id: 'UK-ADDENDUM',
        from: '2022-03-21',
      },
    ],
  },
  BCR: {
    kind: 'SAFEGUARD',
    title: 'binding corporate rules (GDPR Art. 47)',
    assessment: true,
    provisions: [eea('46(2)(b)', 'A46-2-b'), uk('46(2)(b)'), swiss('16(2)(e)')],
  },
  CODE_OF_CONDUCT: {
    kind: 'SAFEGUARD',
    title: 'an approved code of conduct with binding and enforceable commitments',
    assessment: true,
    provisions: [eea('46(2)(e)', 'A46-2-e'), uk('46(2)(e)')],
  },
  CERTIFICATION: {
    kind: 'SAFEGUARD',
    title: 'an approved certification mechanism with binding and enforceable commitments',
    assessment: true,
    provisions: [eea('46(2)(f)', 'A46-2-f'), uk('46(2)(f)')],
  },
  PUBLIC_INSTRUMENT: {
    kind: 'SAFEGUARD',
    title: 'a legally binding instrument between public authorities or bodies',
    assessment: true,
    publicBodies: true,
    provisions: [eea('46(2)(a)', 'A46-2-a'), uk('46(2)(a)')],
  },
  AD_HOC_CLAUSES: {
    kind: 'SAFEGUARD',
    title: 'contractual clauses that the supervisory authority authorised',
    assessment: true,
    authorisation: true,
    provisions: [eea('46(3)(a)', 'A46-3-a'), uk('46(3)(a)'), swiss('16(2)(b)')],
  },
  ADMINISTRATIVE_ARRANGEMENT: {
    kind: 'SAFEGUARD',
    title: 'provisions in arrangements between public authorities, authorised',
    assessment: true,
    authorisation: true,
    publicBodies: true,
    provisions: [eea('46(3)(b)', 'A46-3-b'), uk('46(3)(b)')],
  },
  DEROGATION_CONSENT: derogation(
    'explicit consent after being informed of the risks',
    eea('49(1)(a)', 'A49-1-a'),
    uk('49(1)(a)'),
    swiss('17(1)(a)'),
  ),
  DEROGATION_CONTRACT: derogation(
    'a contract with the data subject, or steps before one',
    eea('49(1)(b)', 'A49-1-b'),
    uk('49(1)(b)'),
    swiss('17(1)(b)'),
  ),
  DEROGATION_CONTRACT_IN_INTEREST: derogation(
    'a contract concluded in the interest of the data subject',
    eea('49(1)(c)', 'A49-1-c'),
    uk('49(1)(c)'),
    swiss('17(1)(b)'),
  ),
  DEROGATION_PUBLIC_INTEREST: derogation(
    'important reasons of public interest',
    eea('49(1)(d)', 'A49-1-d'),
    uk('49(1)(d)'),
    swiss('17(1)(c)'),
  ),
  DEROGATION_LEGAL_CLAIMS: derogation('legal claims', eea('49(1)(e)', 'A49-1-e'), uk('49(1)(e)'), swiss('17(1)(c)')),
  DEROGATION_VITAL_INTERESTS: derogation(
    'vital interests of a person who cannot consent',
    eea('49(1)(f)', 'A49-1-f'),
    uk('49(1)(f)'),
    swiss('17(1)(d)'),
  ),
  DEROGATION_PUBLIC_REGISTER: derogation(
    'a public register',
    eea('49(1)(g)', 'A49-1-g'),
    uk('49(1)(g)'),
    swiss('17(1)(f)'),
  ),
  DEROGATION_COMPELLING_INTERESTS: {
    // DPV 2.3 names the second subparagraph of Art. 49(1) A49-2.
    ...derogation(
      'compelling legitimate interests: not repetitive, few people, assessed and safeguarded',
      { ...eea('49(1) second subparagraph', 'A49-2'), id: 'EU-GDPR-49(1)-2' },
      { ...uk('49(1) second subparagraph'), id: 'UK-GDPR-49(1)-2' },
    ),
    assessment: true,
  },
  NATIONAL_LAW: {
    kind: 'NATIONAL',
    title: "the law of a country of residence that no regime here covers, as the client's officer assessed it",
    assessment: true,
    provisions: [],
  },
};

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
