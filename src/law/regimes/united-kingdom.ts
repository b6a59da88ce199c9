import { type Finding, type Provision, type Regime, since } from '../regime';
import { eeaMembers } from './eea-members';

/** Adequacy regulations of the United Kingdom. */
const ofTheUnitedKingdom: readonly Finding[] = [
  {
    id: 'UK-DPA-2018-SCH-21',
    destinations: [...eeaMembers, 'AD', 'AR', 'CH', 'FO', 'GG', 'GI', 'IL', 'IM', 'JE', 'NZ', 'UY'],
    instrument: 'Data Protection Act 2018 Sch. 21 para. 5',
    scope: 'EEA states, Gibraltar, and countries found adequate by the Union before 2021',
    from: '2021-01-01',
    source: 'Data Protection Act 2018 Sch. 21 Part 3 para. 5 (legislation.gov.uk)',
  },
  {
    id: 'UK-DPA-2018-SCH-21-CA-JP',
    destinations: ['CA', 'JP'],
    instrument: 'Data Protection Act 2018 Sch. 21 para. 5',
    scope: 'recipients subject to PIPEDA in Canada, to APPI in Japan',
    from: '2021-01-01',
    requires: { sector: 'COMMERCIAL' },
    source: 'Data Protection Act 2018 Sch. 21 Part 3 para. 5 (legislation.gov.uk)',
  },
  {
    id: 'UK-SI-2022/1213',
    destinations: ['KR'],
    instrument: 'SI 2022/1213',
    scope: 'persons subject to PIPA',
    from: '2022-12-19',
    source: 'Data Protection (Adequacy) (Republic of Korea) Regulations 2022 reg. 1(2) (legislation.gov.uk)',
  },
  {
    id: 'UK-SI-2023/1028',
    destinations: ['US'],
    instrument: 'SI 2023/1028',
    scope: 'persons certified to the UK Extension to the EU-US Data Privacy Framework',
    from: '2023-10-12',
    requires: { certifications: ['EU_US_DPF', 'UK_EXTENSION'] },
    source: 'Data Protection (Adequacy) (United States of America) Regulations 2023 reg. 1(2), 3 (legislation.gov.uk)',
  },
];

function provision(paragraph: string, source = 'UK GDPR'): Provision {
  return { id: `UK-GDPR-${paragraph}`, article: `UK GDPR Art. ${paragraph}`, from: '2021-01-01', source };
}

/** Clauses that the Commissioner issued. */
const issued = (id: string): Provision => ({
  ...provision('46(2)(d)', 'ICO, issued under Data Protection Act 2018 s. 119A, in force 2022-03-21'),
  id,
  from: '2022-03-21',
});

export const unitedKingdom: Regime = {
  id: 'UK',
  name: 'United Kingdom',
  territory: since('2021-01-01', 'GB'),
  restricts: true,
  articles: [
    { from: '2021-01-01', to: '2026-02-04', transfer: 'UK GDPR Art. 44', adequacy: 'UK GDPR Art. 45' },
    { from: '2026-02-05', transfer: 'UK GDPR Art. 44A', adequacy: 'UK GDPR Art. 45A' },
  ],
  source:
    'UK GDPR Chapter V, as replaced by Data (Use and Access) Act 2025 s. 85, Sch. 7 from 2026-02-05 ' +
    '(SI 2026/82 reg. 2(m))',
  requestDeadline: {
    article: 'UK GDPR Art. 12(3)',
    period: { months: 1 },
    extendedTo: { months: 3 },
    extension: 'the person is told, with the reasons, within the first month',
    source: 'UK GDPR Art. 12(3)',
  },
  adequacy: ofTheUnitedKingdom,
  provisions: {
    UK_IDTA: issued('UK-IDTA'),
    UK_ADDENDUM: issued('UK-ADDENDUM'),
    BCR: provision('46(2)(b)'),
    CODE_OF_CONDUCT: provision('46(2)(e)'),
    CERTIFICATION: provision('46(2)(f)'),
    PUBLIC_INSTRUMENT: provision('46(2)(a)'),
    AD_HOC_CLAUSES: provision('46(3)(a)'),
    ADMINISTRATIVE_ARRANGEMENT: provision('46(3)(b)'),
    DEROGATION_CONSENT: provision('49(1)(a)'),
    DEROGATION_CONTRACT: provision('49(1)(b)'),
    DEROGATION_CONTRACT_IN_INTEREST: provision('49(1)(c)'),
    DEROGATION_PUBLIC_INTEREST: provision('49(1)(d)'),
    DEROGATION_LEGAL_CLAIMS: provision('49(1)(e)'),
    DEROGATION_VITAL_INTERESTS: provision('49(1)(f)'),
    DEROGATION_PUBLIC_REGISTER: provision('49(1)(g)'),
    DEROGATION_COMPELLING_INTERESTS: { ...provision('49(1) second subparagraph'), id: 'UK-GDPR-49(1)-2' },
  },
};
