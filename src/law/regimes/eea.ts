import { type Finding, type Provision, type Regime, since } from '../regime';
import type { Country } from '../sourced';
import { eeaEfta, eu27 } from './eea-members';

const A45 = 'https://w3id.org/dpv/legal/eu/gdpr#A45-3';
const commissionList = "the Commission's list of adequacy decisions, seen in copies up to September 2026";

function decision(
  number: string,
  destination: Country,
  from: string,
  scope: string,
  more: Partial<Finding> = {},
): Finding {
  const id = `EU-${number.replace(/^\(EU\) /, '')}`;
  const shared = { destinations: [destination], from, scope, dpv: A45 };
  return { id, instrument: `Decision ${number}`, source: `Decision ${number}; ${commissionList}`, ...shared, ...more };
}

/** Commission decisions under GDPR Art. 45(3), those under Directive 95/46 included (Art. 45(9)). */
const ofTheCommission: readonly Finding[] = [
  decision('2000/518/EC', 'CH', '2000-07-26', 'country'),
  decision('2002/2/EC', 'CA', '2001-12-20', 'commercial organisations subject to PIPEDA', {
    requires: { sector: 'COMMERCIAL' },
  }),
  decision('2003/490/EC', 'AR', '2003-06-30', 'country'),
  decision('2003/821/EC', 'GG', '2003-11-21', 'territory'),
  decision('2004/411/EC', 'IM', '2004-04-28', 'territory'),
  decision('2008/393/EC', 'JE', '2008-05-08', 'territory'),
  decision('2010/146/EU', 'FO', '2010-03-05', 'territory'),
  decision('2010/625/EU', 'AD', '2010-10-19', 'country'),
  decision('2011/61/EU', 'IL', '2011-01-31', 'country, within the territorial scope that the decision states'),
  decision('2012/484/EU', 'UY', '2012-08-21', 'country'),
  decision('2013/65/EU', 'NZ', '2012-12-19', 'country'),
  decision('(EU) 2019/419', 'JP', '2019-01-23', 'private-sector operators subject to APPI with supplementary rules', {
    requires: { sector: 'COMMERCIAL' },
  }),
  decision('(EU) 2022/254', 'KR', '2021-12-17', 'operators subject to PIPA'),
  {
    id: 'TCA-782',
    destinations: ['GB'],
    instrument: 'EU-UK Trade and Cooperation Agreement Art. 782',
    scope: 'interim: not a transfer to a third country until the adequacy decision',
    from: '2021-01-01',
    to: '2021-06-27',
    source: 'OJ L 149, 30.4.2021, p. 10, Art. 782',
  },
  decision('(EU) 2021/1772', 'GB', '2021-06-28', 'country', {
    to: '2031-12-27',
    source: 'Decision (EU) 2021/1772, renewed on 2025-12-19 until 2031-12-27: dpocentre.com/news',
  }),
  decision('(EU) 2016/1250', 'US', '2016-07-12', 'organisations in the EU-US Privacy Shield', {
    to: '2020-07-15',
    requires: { certifications: ['EU_US_PRIVACY_SHIELD'] },
    source: 'Decision (EU) 2016/1250, declared invalid by CJEU C-311/18 (Schrems II) of 2020-07-16',
  }),
  decision('(EU) 2023/1795', 'US', '2023-07-10', 'organisations certified under the EU-US Data Privacy Framework', {
    requires: { certifications: ['EU_US_DPF'] },
    source: 'Decision (EU) 2023/1795; T-553/23 dismissed 2025-09-03, appeal C-703/25 P pending (OJ C/2025/6610)',
  }),
  decision('(EU) 2026/179', 'BR', '2026-01-26', 'private and public sector; the EFTA states of the EEA not yet', {
    exporters: eu27,
    source:
      'Decision (EU) 2026/179 (kennedyslaw.com 2026); its incorporation into the EEA Agreement was a ' +
      'draft on 2026-05-06',
  }),
  {
    id: 'EU-EPO-2025-07-15',
    destinations: [],
    instrument: 'Decision of 2025-07-15 on the European Patent Organisation',
    scope: 'an international organisation, no country',
    from: '2025-07-15',
    source: 'agenceurope.eu bulletin 13681',
    dpv: A45,
  },
];

const GDPR = 'https://w3id.org/dpv/legal/eu/gdpr#';

function provision(paragraph: string, dpv: string, source = 'Regulation (EU) 2016/679'): Provision {
  const article = `GDPR Art. ${paragraph}`;
  return { id: `EU-GDPR-${paragraph}`, article, from: '2018-05-25', source, dpv: `${GDPR}${dpv}` };
}

export const eea: Regime = {
  id: 'EEA',
  name: 'European Economic Area',
  territory: [
    ...since('2018-05-25', ...eu27),
    ...since('2018-07-20', ...eeaEfta),
    // Union law applied in the United Kingdom to the end of the transition period.
    { country: 'GB', from: '2018-05-25', to: '2020-12-31' },
  ],
  restricts: true,
  articles: [{ from: '2018-05-25', transfer: 'GDPR Art. 44', adequacy: 'GDPR Art. 45(3)' }],
  source:
    'Regulation (EU) 2016/679; members: W3C DPV 2.3 loc.csv at f01a55c3; EFTA states: EEA Joint Committee Decision ' +
    '154/2018; the United Kingdom: Withdrawal Agreement Art. 126, 127',
  dpv: 'https://w3id.org/dpv#DataTransferLegalBasis',
  requestDeadline: {
    article: 'GDPR Art. 12(3)',
    period: { months: 1 },
    extendedTo: { months: 3 },
    extension: 'the person is told, with the reasons, within the first month',
    source: 'Regulation (EU) 2016/679; counting: Regulation (EEC, Euratom) 1182/71 Art. 3(2)(c)',
  },
  foreignOrders: 'GDPR Art. 48',
  adequacy: ofTheCommission,
  provisions: {
    SCC: {
      ...provision('46(2)(c)', 'A46-2-c', 'Implementing Decision (EU) 2021/914, OJ L 199, 7.6.2021, p. 31'),
      id: 'EU-2021/914',
      // Adopted on 2021-06-04; Art. 4: it enters into force on the twentieth day after its publication on 2021-06-07.
      from: '2021-06-27',
    },
    SCC_AUTHORITY: provision('46(2)(d)', 'A46-2-d'),
    BCR: provision('46(2)(b)', 'A46-2-b'),
    CODE_OF_CONDUCT: provision('46(2)(e)', 'A46-2-e'),
    CERTIFICATION: provision('46(2)(f)', 'A46-2-f'),
    PUBLIC_INSTRUMENT: provision('46(2)(a)', 'A46-2-a'),
    AD_HOC_CLAUSES: provision('46(3)(a)', 'A46-3-a'),
    ADMINISTRATIVE_ARRANGEMENT: provision('46(3)(b)', 'A46-3-b'),
    DEROGATION_CONSENT: provision('49(1)(a)', 'A49-1-a'),
    DEROGATION_CONTRACT: provision('49(1)(b)', 'A49-1-b'),
    DEROGATION_CONTRACT_IN_INTEREST: provision('49(1)(c)', 'A49-1-c'),
    DEROGATION_PUBLIC_INTEREST: provision('49(1)(d)', 'A49-1-d'),
    DEROGATION_LEGAL_CLAIMS: provision('49(1)(e)', 'A49-1-e'),
    DEROGATION_VITAL_INTERESTS: provision('49(1)(f)', 'A49-1-f'),
    DEROGATION_PUBLIC_REGISTER: provision('49(1)(g)', 'A49-1-g'),
    // DPV 2.3 names the second subparagraph of Art. 49(1) A49-2.
    DEROGATION_COMPELLING_INTERESTS: {
      ...provision('49(1) second subparagraph', 'A49-2'),
      id: 'EU-GDPR-49(1)-2',
    },
  },
};
