import type { Country, Dated, Sourced } from './sourced';

/** A body of law that covers the people of some countries, and what it says of taking their data elsewhere. */
export interface Regime extends Sourced {
  readonly id: string;
  readonly name: string;
  /** The countries whose people it covers, each for a time. */
  readonly territory: ReadonlyArray<Dated & { readonly country: Country }>;
  /** Whether data may leave its territory on a lawful basis only. */
  readonly restricts: boolean;
  /** What a decision cites, as the law stood at its moment. */
  readonly articles: ReadonlyArray<Dated & Articles>;
}

/** Articles of a regime: the one that forbids or, where nothing is restricted, says so; the one adequacy rests on. */
export interface Articles {
  readonly transfer: string;
  readonly adequacy?: string;
}

const since = (from: string, ...countries: Country[]) => countries.map((country) => ({ country, from }));

/** The member states, without the three EEA states of EFTA. W3C DPV 2.3 loc.csv at f01a55c3. */
export const eu27: readonly Country[] =
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' ');
const eeaEfta: readonly Country[] = ['IS', 'LI', 'NO'];
export const eea: readonly Country[] = [...eu27, ...eeaEfta];

/** A country that is in none of these has no rule here, and its people's data leaves it by approval only. */
export const regimes: readonly Regime[] = [
  {
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
      'Regulation (EU) 2016/679; members: W3C DPV 2.3 loc.csv at f01a55c3; EFTA states: EEA Joint Committee Decision 154/2018; the United Kingdom: Withdrawal Agreement Art. 126, 127',
    dpv: 'https://w3id.org/dpv#DataTransferLegalBasis',
  },
  {
    id: 'UK',
    name: 'United Kingdom',
    territory: since('2021-01-01', 'GB'),
    restricts: true,
    articles: [
      { from: '2021-01-01', to: '2026-02-04', transfer: 'UK GDPR Art. 44', adequacy: 'UK GDPR Art. 45' },
      { from: '2026-02-05', transfer: 'UK GDPR Art. 44A', adequacy: 'UK GDPR Art. 45A' },
    ],
    source:
      'UK GDPR Chapter V, as replaced by Data (Use and Access) Act 2025 s. 85, Sch. 7 from 2026-02-05 (SI 2026/82 reg. 2(m))',
  },
  {
    id: 'CH',
    name: 'Switzerland',
    territory: since('2023-09-01', 'CH'),
    restricts: true,
    articles: [{ from: '2023-09-01', transfer: 'FADP Art. 16', adequacy: 'FADP Art. 16(1)' }],
    source: 'Federal Act on Data Protection (SR 235.1) in force from 2023-09-01; access from abroad is a disclosure',
  },
  {
    id: 'US',
    name: 'United States',
    territory: since('2018-05-25', 'US'),
    restricts: false,
    articles: [{ from: '2018-05-25', transfer: 'no general export restriction in US federal law' }],
    source:
      'HIPAA (45 CFR Parts 160, 164) and CCPA (Cal. Civ. Code § 1798.100 ff.) know no rule on transfers abroad; 28 CFR Part 202 limits bulk transactions with countries of concern by thresholds that no single row meets or misses',
  },
];
