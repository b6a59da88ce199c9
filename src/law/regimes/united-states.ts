import { type Regime, since } from '../regime';

export const unitedStates: Regime = {
  id: 'US',
  name: 'United States',
  territory: since('2018-05-25', 'US'),
  restricts: false,
  articles: [{ from: '2018-05-25', transfer: 'no general export restriction in US federal law' }],
  source:
    'HIPAA (45 CFR Parts 160, 164) and CCPA (Cal. Civ. Code § 1798.100 ff.) know no rule on transfers abroad; 28 CFR ' +
    'Part 202 limits bulk transactions with countries of concern by thresholds that no single row meets or misses',
  // California's: the state is not recorded, and no other state's is shorter.
  requestDeadline: {
    article: '11 CCR § 7021(b)',
    period: { days: 45 },
    extendedTo: { days: 90 },
    extension: 'the person is told, with the reasons, within the first 45 days',
    source: '11 CCR § 7021 (CCPA regulations); verification does not stop the clock',
  },
};
