import { type Finding, type Provision, type Regime, since } from '../regime';
import { eeaMembers } from './eea-members';

/** The list that binds in Switzerland. */
const ofSwitzerland: readonly Finding[] = [
  {
    id: 'CH-DPO-ANNEX-1',
    destinations: [...eeaMembers, 'AD', 'AR', 'FO', 'GB', 'GG', 'GI', 'IL', 'IM', 'JE', 'MC', 'NZ', 'UY'],
    instrument: 'Data Protection Ordinance Annex 1',
    scope: 'countries and territories',
    from: '2023-09-01',
    source: 'Data Protection Ordinance (SR 235.11) Annex 1 (bj.admin.ch)',
  },
  {
    id: 'CH-DPO-ANNEX-1-CA',
    destinations: ['CA'],
    instrument: 'Data Protection Ordinance Annex 1',
    scope: 'private recipients subject to PIPEDA or the like law of a province',
    from: '2023-09-01',
    requires: { sector: 'COMMERCIAL' },
    source: 'Data Protection Ordinance (SR 235.11) Annex 1 no. 7 (bj.admin.ch)',
  },
  {
    id: 'CH-DPO-ANNEX-1-US',
    destinations: ['US'],
    instrument: 'Data Protection Ordinance Annex 1',
    scope: 'organisations certified under the Swiss-US Data Privacy Framework',
    from: '2024-09-15',
    requires: { certifications: ['SWISS_US_DPF'] },
    source: 'Data Protection Ordinance (SR 235.11) Annex 1, amended 2024-08-14 (walderwyss.com)',
  },
];

function provision(paragraph: string, source = 'Federal Act on Data Protection (SR 235.1)'): Provision {
  return { id: `CH-FADP-${paragraph}`, article: `FADP Art. ${paragraph}`, from: '2023-09-01', source };
}

export const switzerland: Regime = {
  id: 'CH',
  name: 'Switzerland',
  territory: since('2023-09-01', 'CH'),
  restricts: true,
  articles: [{ from: '2023-09-01', transfer: 'FADP Art. 16', adequacy: 'FADP Art. 16(1)' }],
  source: 'Federal Act on Data Protection (SR 235.1) in force from 2023-09-01; access from abroad is a disclosure',
  requestDeadline: {
    article: 'FADP Art. 25(7)',
    period: { days: 30 },
    source: 'Federal Act on Data Protection (SR 235.1) Art. 25(7); Data Protection Ordinance (SR 235.11) Art. 18',
  },
  adequacy: ofSwitzerland,
  provisions: {
    SCC: provision('16(2)(d)', 'FADP Art. 16(2)(d); recognised with adaptations by the FDPIC on 2021-08-27'),
    BCR: provision('16(2)(e)'),
    AD_HOC_CLAUSES: provision('16(2)(b)'),
    DEROGATION_CONSENT: provision('17(1)(a)'),
    DEROGATION_CONTRACT: provision('17(1)(b)'),
    DEROGATION_CONTRACT_IN_INTEREST: provision('17(1)(b)'),
    DEROGATION_PUBLIC_INTEREST: provision('17(1)(c)'),
    DEROGATION_LEGAL_CLAIMS: provision('17(1)(c)'),
    DEROGATION_VITAL_INTERESTS: provision('17(1)(d)'),
    DEROGATION_PUBLIC_REGISTER: provision('17(1)(f)'),
  },
};
