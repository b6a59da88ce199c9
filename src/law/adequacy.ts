import { eea, eu27 } from './regimes';
import type { Country, Dated, Sourced } from './sourced';

/** Programmes in which a recipient is listed by name, for a time. */
export const frameworks = {
  EU_US_DPF: 'EU-US Data Privacy Framework',
  UK_EXTENSION: 'UK Extension to the EU-US Data Privacy Framework',
  SWISS_US_DPF: 'Swiss-US Data Privacy Framework',
  EU_US_PRIVACY_SHIELD: 'EU-US Privacy Shield, annulled on 2020-07-16',
} as const;
export type Framework = keyof typeof frameworks;

/** What a recipient must be for a finding to carry a transfer to it. */
export interface AdequacyCondition {
  /** Frameworks that all must list it at the moment of the transfer. */
  readonly certifications?: readonly Framework[];
  /** The finding covers commercial organisations only. */
  readonly sector?: 'COMMERCIAL';
}

/** A finding that countries protect personal data adequately. */
export interface Adequacy extends Sourced, Dated {
  /** Names it as a legal basis. */
  readonly id: string;
  readonly regime: string;
  readonly destinations: readonly Country[];
  readonly instrument: string;
  readonly scope: string;
  /** The countries of the regime whose people it is for, where it is not for all. */
  readonly exporters?: readonly Country[];
  readonly requires?: AdequacyCondition;
}

const A45 = 'https://w3id.org/dpv/legal/eu/gdpr#A45-3';
const commissionList = "the Commission's list of adequacy decisions, seen in copies up to September 2026";

function decision(
  number: string,
  destination: Country,
  from: string,
  scope: string,
  more: Partial<Adequacy> = {},
): Adequacy {
  const id = `EU-${number.replace(/^\(EU\) /, '')}`;
  const shared = { regime: 'EEA', destinations: [destination], from, scope, dpv: A45 };
  return { id, instrument: `Decision ${number}`, source: `Decision ${number}; ${commissionList}`, ...shared, ...more };
}

/** Commission decisions under GDPR Art. 45(3), those under Directive 95/46 included (Art. 45(9)). */
const ofTheCommission: readonly Adequacy[] = [
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
    regime: 'EEA',
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
      'Decision (EU) 2026/179 (kennedyslaw.com 2026); its incorporation into the EEA Agreement was a draft on 2026-05-06',
  }),
  {
    id: 'EU-EPO-2025-07-15',
    regime: 'EEA',
    destinations: [],
    instrument: 'Decision of 2025-07-15 on the European Patent Organisation',
    scope: 'an international organisation, no country',
    from: '2025-07-15',
    source: 'agenceurope.eu bulletin 13681',
    dpv: A45,
  },
];

/** Adequacy regulations of the United Kingdom. */
const ofTheUnitedKingdom: readonly Adequacy[] = [
  {
    id: 'UK-DPA-2018-SCH-21',
    regime: 'UK',
    destinations: [...eea, 'AD', 'AR', 'CH', 'FO', 'GG', 'GI', 'IL', 'IM', 'JE', 'NZ', 'UY'],
    instrument: 'Data Protection Act 2018 Sch. 21 para. 5',
    scope: 'EEA states, Gibraltar, and countries found adequate by the Union before 2021',
    from: '2021-01-01',
    source: 'Data Protection Act 2018 Sch. 21 Part 3 para. 5 (legislation.gov.uk)',
  },
  {
    id: 'UK-DPA-2018-SCH-21-CA-JP',
    regime: 'UK',
    destinations: ['CA', 'JP'],
    instrument: 'Data Protection Act 2018 Sch. 21 para. 5',
    scope: 'recipients subject to PIPEDA in Canada, to APPI in Japan',
    from: '2021-01-01',
    requires: { sector: 'COMMERCIAL' },
    source: 'Data Protection Act 2018 Sch. 21 Part 3 para. 5 (legislation.gov.uk)',
  },
  {
    id: 'UK-SI-2022/1213',
    regime: 'UK',
    destinations: ['KR'],
    instrument: 'SI 2022/1213',
    scope: 'persons subject to PIPA',
    from: '2022-12-19',
    source: 'Data Protection (Adequacy) (Republic of Korea) Regulations 2022 reg. 1(2) (legislation.gov.uk)',
  },
  {
    id: 'UK-SI-2023/1028',
    regime: 'UK',
    destinations: ['US'],
    instrument: 'SI 2023/1028',
    scope: 'persons certified to the UK Extension to the EU-US Data Privacy Framework',
    from: '2023-10-12',
    requires: { certifications: ['EU_US_DPF', 'UK_EXTENSION'] },
    source: 'Data Protection (Adequacy) (United States of America) Regulations 2023 reg. 1(2), 3 (legislation.gov.uk)',
  },
];

/** The list that binds in Switzerland. */
const ofSwitzerland: readonly Adequacy[] = [
  {
    id: 'CH-DPO-ANNEX-1',
    regime: 'CH',
    destinations: [...eea, 'AD', 'AR', 'FO', 'GB', 'GG', 'GI', 'IL', 'IM', 'JE', 'MC', 'NZ', 'UY'],
    instrument: 'Data Protection Ordinance Annex 1',
    scope: 'countries and territories',
    from: '2023-09-01',
    source: 'Data Protection Ordinance (SR 235.11) Annex 1 (bj.admin.ch)',
  },
  {
    id: 'CH-DPO-ANNEX-1-CA',
    regime: 'CH',
    destinations: ['CA'],
    instrument: 'Data Protection Ordinance Annex 1',
    scope: 'private recipients subject to PIPEDA or the like law of a province',
    from: '2023-09-01',
    requires: { sector: 'COMMERCIAL' },
    source: 'Data Protection Ordinance (SR 235.11) Annex 1 no. 7 (bj.admin.ch)',
  },
  {
    id: 'CH-DPO-ANNEX-1-US',
    regime: 'CH',
    destinations: ['US'],
    instrument: 'Data Protection Ordinance Annex 1',
    scope: 'organisations certified under the Swiss-US Data Privacy Framework',
    from: '2024-09-15',
    requires: { certifications: ['SWISS_US_DPF'] },
    source: 'Data Protection Ordinance (SR 235.11) Annex 1, amended 2024-08-14 (walderwyss.com)',
  },
];

export const adequacy: readonly Adequacy[] = [...ofTheCommission, ...ofTheUnitedKingdom, ...ofSwitzerland];
