import { startOf } from '../../src/law/calendar';
import { due } from '../../src/law/deadlines';
import { type Framework } from '../../src/law/frameworks';
import { law, lawOf } from '../../src/law/law';
import { lawFaults } from '../../src/law/law-faults';
import type { Regime } from '../../src/law/regime';
import { regimes } from '../../src/law/regimes';
import { findByLaw, provisionOf, regimeOf } from '../../src/law/transfer';

interface Expected {
  readonly from: string;
  readonly to: string | undefined;
  readonly at: string;
  readonly certified?: readonly Framework[];
  readonly sector?: 'PUBLIC';
  readonly suspended?: string;
  readonly basis: 'NO_TRANSFER' | 'UNRESTRICTED' | 'ADEQUACY' | 'none';
  /** What the answer must cite. */
  readonly cites: string;
  readonly source: string;
}

const rows: Expected[] = [];
function on(at: string, source: string) {
  const add =
    (basis: Expected['basis']) =>
    (from: string, to: string | undefined, cites: string, more: Partial<Expected> = {}) => {
      rows.push({ at, source, from, to, basis, cites, ...more });
      return says;
    };
  const says = {
    stays: add('NO_TRANSFER'),
    open: add('UNRESTRICTED'),
    adequate: add('ADEQUACY'),
    barred: add('none'),
  };
  return says;
}
const today = '2026-11-23';
const dpf: Partial<Expected> = { certified: ['EU_US_DPF'] };

// Within a regime
on(today, 'GDPR Art. 44: a transfer is one to a third country; loc.csv f01a55c3')
  .stays('DE', 'DE', 'European Economic Area')
  .stays('DE', 'FR', 'European Economic Area')
  .stays('PT', 'NO', 'European Economic Area')
  .stays('IS', 'LI', 'European Economic Area')
  .stays('GB', 'GB', 'United Kingdom')
  .stays('CH', 'CH', 'Switzerland');
on('2018-07-19', 'EEA Joint Committee Decision 154/2018: in force 2018-07-20').barred('DE', 'NO', 'GDPR Art. 44');
on('2018-07-20', 'EEA Joint Committee Decision 154/2018: in force 2018-07-20').stays('DE', 'NO', 'Economic Area');
on('2018-05-24', 'GDPR Art. 99(2): applies from 2018-05-25').barred('DE', 'FR', 'no transfer rule');

// The United Kingdom
on('2020-12-31', 'Withdrawal Agreement Art. 126, 127').stays('DE', 'GB', 'Economic Area').stays('GB', 'DE', 'Economic');
on('2021-01-01', 'TCA Art. 782').adequate('DE', 'GB', 'Art. 782');
on('2021-06-27', 'TCA Art. 782').adequate('DE', 'GB', 'Art. 782');
on('2021-06-28', 'Decision (EU) 2021/1772').adequate('DE', 'GB', '(EU) 2021/1772');
on(today, 'Decision (EU) 2021/1772, renewed 2025-12-19').adequate('NO', 'GB', '(EU) 2021/1772');
on('2031-12-27', 'Decision (EU) 2021/1772: last day').adequate('DE', 'GB', '(EU) 2021/1772');
on('2031-12-28', 'Decision (EU) 2021/1772: expired').barred('DE', 'GB', 'GDPR Art. 44');
on('2021-01-01', 'DPA 2018 Sch. 21 para. 5').adequate('GB', 'DE', 'UK GDPR Art. 45, Data Protection Act 2018 Sch. 21');
on(today, 'DPA 2018 Sch. 21 para. 5; Data (Use and Access) Act 2025 Sch. 7')
  .adequate('GB', 'IE', 'UK GDPR Art. 45A')
  .adequate('GB', 'GI', 'Sch. 21')
  .adequate('GB', 'CH', 'Sch. 21')
  .adequate('GB', 'FO', 'Sch. 21')
  .adequate('GB', 'CA', 'Sch. 21')
  .barred('GB', 'CA', 'UK GDPR Art. 44A', { sector: 'PUBLIC' })
  .adequate('GB', 'JP', 'Sch. 21')
  .barred('GB', 'IN', 'UK GDPR Art. 44A')
  .barred('GB', 'BR', 'UK GDPR Art. 44A')
  .barred('GB', undefined, 'UK GDPR Art. 44A');
on('2026-02-04', 'Data (Use and Access) Act 2025 s. 85: in force 2026-02-05').barred('GB', 'IN', 'UK GDPR Art. 44');
on('2022-12-18', 'SI 2022/1213 reg. 1(2)').barred('GB', 'KR', 'UK GDPR Art. 44');
on('2022-12-19', 'SI 2022/1213 reg. 1(2)').adequate('GB', 'KR', 'SI 2022/1213');
const bridge: Partial<Expected> = { certified: ['EU_US_DPF', 'UK_EXTENSION'] };
on('2023-10-11', 'SI 2023/1028 reg. 1(2)').barred('GB', 'US', 'UK GDPR Art. 44', bridge);
on('2023-10-12', 'SI 2023/1028 reg. 3(2)')
  .adequate('GB', 'US', 'SI 2023/1028', bridge)
  .barred('GB', 'US', 'UK GDPR Art. 44', dpf)
  .barred('GB', 'US', 'UK GDPR Art. 44', { certified: ['UK_EXTENSION'] });

// The United States, and frameworks annulled
on('2023-07-09', 'Decision (EU) 2023/1795: adopted 2023-07-10').barred('DE', 'US', 'GDPR Art. 44', dpf);
on('2023-07-10', 'Decision (EU) 2023/1795').adequate('DE', 'US', '(EU) 2023/1795', dpf);
on(today, 'Decision (EU) 2023/1795: certified organisations only')
  .adequate('NO', 'US', '(EU) 2023/1795', dpf)
  .barred('DE', 'US', 'GDPR Art. 44')
  .barred('DE', 'US', 'GDPR Art. 44', { certified: ['SWISS_US_DPF'] })
  .barred('DE', 'US', 'GDPR Art. 44', { certified: ['EU_US_PRIVACY_SHIELD'] })
  .barred('DE', 'US', 'GDPR Art. 44', { ...dpf, suspended: 'EU-2023/1795' })
  .barred('DE', 'US', 'GDPR Art. 44', { ...dpf, suspended: 'EU_US_DPF' })
  .adequate('GB', 'US', 'SI 2023/1028', { ...bridge, suspended: 'EU-2023/1795' })
  .barred('GB', 'US', 'UK GDPR Art. 44A', { ...bridge, suspended: 'EU_US_DPF' })
  .adequate('DE', 'GB', '(EU) 2021/1772', { suspended: 'EU_US_DPF' });
const shield: Partial<Expected> = { certified: ['EU_US_PRIVACY_SHIELD'] };
on('2020-07-15', 'Decision (EU) 2016/1250, the day before C-311/18').adequate('DE', 'US', '(EU) 2016/1250', shield);
on('2020-07-16', 'CJEU C-311/18 (Schrems II)').barred('DE', 'US', 'GDPR Art. 44', shield);

// Brazil
on('2026-01-25', 'Decision (EU) 2026/179: adopted 2026-01-26').barred('DE', 'BR', 'GDPR Art. 44');
on('2026-01-26', 'Decision (EU) 2026/179').adequate('DE', 'BR', '(EU) 2026/179');
on(today, 'Decision (EU) 2026/179: in the EEA Agreement only a draft of 2026-05-06')
  .adequate('PT', 'BR', '(EU) 2026/179')
  .barred('NO', 'BR', 'GDPR Art. 44')
  .barred('IS', 'BR', 'GDPR Art. 44')
  .barred('LI', 'BR', 'GDPR Art. 44');

// The other decisions of the Commission (docs/pitfalls.md, 30)
on(today, "the Commission's list")
  .adequate('DE', 'CH', '2000/518/EC')
  .adequate('DE', 'CA', '2002/2/EC')
  .barred('DE', 'CA', 'GDPR Art. 44', { sector: 'PUBLIC' })
  .adequate('DE', 'AR', '2003/490/EC')
  .adequate('DE', 'GG', '2003/821/EC')
  .adequate('DE', 'IM', '2004/411/EC')
  .adequate('DE', 'JE', '2008/393/EC')
  .adequate('DE', 'FO', '2010/146/EU')
  .adequate('DE', 'AD', '2010/625/EU')
  .adequate('DE', 'IL', '2011/61/EU')
  .adequate('DE', 'UY', '2012/484/EU')
  .adequate('DE', 'NZ', '2013/65/EU')
  .adequate('DE', 'JP', '(EU) 2019/419')
  .barred('DE', 'JP', 'GDPR Art. 44', { sector: 'PUBLIC' })
  .adequate('DE', 'KR', '(EU) 2022/254')
  .barred('DE', 'IN', 'GDPR Art. 44')
  .barred('DE', 'AU', 'GDPR Art. 44')
  .barred('DE', 'CL', 'GDPR Art. 44')
  .barred('DE', undefined, 'GDPR Art. 44')
  .barred('DE', 'ZZ', 'GDPR Art. 44');
on('2019-01-22', 'Decision (EU) 2019/419').barred('DE', 'JP', 'GDPR Art. 44');
on('2021-12-16', 'Decision (EU) 2022/254: adopted 2021-12-17').barred('DE', 'KR', 'GDPR Art. 44');
on('2021-12-17', 'Decision (EU) 2022/254').adequate('DE', 'KR', '(EU) 2022/254');

// Switzerland
const swissUs: Partial<Expected> = { certified: ['SWISS_US_DPF'] };
on('2023-08-31', 'FADP in force from 2023-09-01').barred('CH', 'DE', 'no transfer rule');
on('2024-09-14', 'DPO Annex 1: amended with effect from 2024-09-15').barred('CH', 'US', 'FADP Art. 16', swissUs);
on('2024-09-15', 'DPO Annex 1: amended with effect from 2024-09-15').adequate('CH', 'US', 'Annex 1', swissUs);
on(today, 'Data Protection Ordinance Annex 1')
  .adequate('CH', 'DE', 'FADP Art. 16(1)')
  .adequate('CH', 'GB', 'Annex 1')
  .barred('CH', 'JP', 'FADP Art. 16')
  .barred('CH', 'KR', 'FADP Art. 16')
  .barred('CH', 'US', 'FADP Art. 16', dpf);

// No general restriction, and no rule at all
on(today, 'HIPAA and CCPA know no rule on transfers abroad')
  .open('US', 'IN', 'no general export restriction')
  .open('US', 'US', 'no general export restriction')
  .open('US', undefined, 'no general export restriction');
on(today, 'docs/design.md: nothing is decided by a rule that is absent')
  .stays('IN', 'IN', 'same country')
  .barred('IN', 'DE', 'no transfer rule')
  .barred('BR', 'DE', 'no transfer rule')
  .barred('BR', undefined, 'no transfer rule')
  .barred('ZZ', 'DE', 'no transfer rule')
  .barred('', undefined, 'no transfer rule');

test('the table has at least 60 rows', () => expect(rows.length).toBeGreaterThanOrEqual(60));

test.each(rows)('$from → $to on $at: $basis, by $cites ($source)', (row) => {
  const at = startOf(row.at) + 12 * 3_600_000;
  const certifications = (row.certified ?? []).map((framework) => ({ framework, from: 0, to: null }));
  const suspensions = row.suspended ? [{ basis: row.suspended, from: at, to: null }] : [];
  const recipient = { country: row.to, certifications, sector: row.sector ?? ('COMMERCIAL' as const) };
  const found = findByLaw(law, row.from, recipient, at, suspensions);
  expect(found.lawful ? found.basis : 'none').toBe(row.basis);
  expect(found.rule).toContain(row.cites);
  if (!found.lawful) expect(found.missing).not.toBe('');
});

test('days begin and end at midnight UTC', () => {
  const recipient = { country: 'GB', certifications: [], sector: 'COMMERCIAL' as const };
  expect(findByLaw(law, 'DE', recipient, Date.parse('2031-12-27T23:59:59.999Z')).lawful).toBe(true);
  expect(findByLaw(law, 'DE', recipient, Date.parse('2031-12-28T00:00:00Z')).lawful).toBe(false);
});

test('a certification and a suspension hold from their moment to theirs', () => {
  const at = startOf(today);
  const certified = (from: number, to: number | null) => ({
    country: 'US',
    certifications: [{ framework: 'EU_US_DPF' as const, from, to }],
    sector: 'COMMERCIAL' as const,
  });
  expect(findByLaw(law, 'DE', certified(at, null), at).lawful).toBe(true);
  expect(findByLaw(law, 'DE', certified(at + 1, null), at).lawful).toBe(false);
  expect(findByLaw(law, 'DE', certified(0, at), at).lawful).toBe(false);
  const suspension = { basis: 'EU_US_DPF', from: at, to: at + 10 };
  expect(findByLaw(law, 'DE', certified(0, null), at - 1, [suspension]).lawful).toBe(true);
  expect(findByLaw(law, 'DE', certified(0, null), at + 9, [suspension]).lawful).toBe(false);
  expect(findByLaw(law, 'DE', certified(0, null), at + 10, [suspension]).lawful).toBe(true);
});

test.each([
  ['SCC', 'EEA', '2021-06-26', undefined],
  ['SCC', 'EEA', '2021-06-27', 'GDPR Art. 46(2)(c)'],
  ['SCC', 'CH', today, 'FADP Art. 16(2)(d)'],
  ['SCC', 'UK', today, undefined],
  ['UK_IDTA', 'UK', '2022-03-20', undefined],
  ['UK_IDTA', 'UK', '2022-03-21', 'UK GDPR Art. 46(2)(d)'],
  ['UK_ADDENDUM', 'UK', today, 'UK GDPR Art. 46(2)(d)'],
  ['UK_ADDENDUM', 'EEA', today, undefined],
  ['BCR', 'EEA', today, 'GDPR Art. 46(2)(b)'],
  ['AD_HOC_CLAUSES', 'EEA', today, 'GDPR Art. 46(3)(a)'],
  ['DEROGATION_LEGAL_CLAIMS', 'EEA', today, 'GDPR Art. 49(1)(e)'],
  ['DEROGATION_LEGAL_CLAIMS', 'US', today, undefined],
  ['NO_SUCH_TOOL', 'EEA', today, undefined],
])('%s in %s on %s: %s', (mechanism, regime, day, article) => {
  expect(provisionOf(law, mechanism, regime, startOf(day))?.article).toBe(article);
});

test('tools carry the identifiers of the W3C Data Privacy Vocabulary 2.3', () => {
  const named = Object.values(law.tools).flatMap(({ provisions }) => provisions.flatMap(({ dpv }) => dpv ?? []));
  const gdpr = 'https://w3id.org/dpv/legal/eu/gdpr#';
  const fragments = 'A46-2-a A46-2-b A46-2-c A46-2-d A46-2-e A46-2-f A46-3-a A46-3-b'.split(' ');
  const derogations = 'A49-1-a A49-1-b A49-1-c A49-1-d A49-1-e A49-1-f A49-1-g A49-2'.split(' ');
  expect(named.sort()).toEqual([...fragments, ...derogations].map((name) => gdpr + name).sort());
  for (const { regime, dpv, id } of law.adequacy)
    if (regime === 'EEA' && id !== 'TCA-782') expect(dpv).toBe(`${gdpr}A45-3`);
});

describe('facts are checked against each other (docs/pitfalls.md, 30)', () => {
  test('those held here have no fault', () => expect(lawFaults(law)).toEqual([]));

  test('the members are the 27 of the Union and the three of the EFTA', () => {
    const members = law.regimes.find(({ id }) => id === 'EEA')?.territory.filter(({ to }) => to === undefined) ?? [];
    expect(members.map(({ country }) => country).sort()).toEqual(
      'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(' '),
    );
  });

  test('a wrong list is found', () => {
    const [first] = law.adequacy;
    if (!first) throw new Error('no finding');
    const spoilt = {
      ...law,
      regimes: [...law.regimes, { ...(law.regimes[0] as (typeof law.regimes)[number]), id: 'EEA2' }],
      adequacy: [
        ...law.adequacy,
        first,
        { ...first, id: 'A', destinations: ['FR', 'UK1'], from: '2026-02-30' },
        {
          ...first,
          id: 'B',
          regime: 'XX',
          from: '2026-01-02',
          to: '2026-01-01',
          source: ' ',
          dpv: 'https://example.org',
        },
      ],
    };
    const faults = lawFaults(spoilt);
    for (const fault of [
      `legal basis ${first.id} is there twice`,
      'A: "UK1" is no country',
      'A: "2026-02-30" is no day',
      'B: it ends before it begins',
      'B: it has no source',
      'B: there is no regime XX',
      'B: "https://example.org" is no IRI of DPV',
      'DE is under two regimes at once',
    ])
      expect(faults).toContain(fault);
  });
});

test('a regime is added as one piece of data', () => {
  const source = 'an example of this test';
  const brazil: Regime = {
    id: 'BR',
    name: 'Brazil',
    territory: [{ country: 'BR', from: '2020-09-18' }],
    restricts: true,
    articles: [{ from: '2020-09-18', transfer: 'LGPD Art. 33', adequacy: 'LGPD Art. 33 I' }],
    source: 'Lei 13.709/2018',
    requestDeadline: { article: 'LGPD Art. 19 II', period: { days: 15 }, source },
    adequacy: [
      { id: 'BR-1', destinations: ['DE'], instrument: 'an example', scope: 'country', from: '2026-02-01', source },
    ],
    provisions: { SCC: { id: 'BR-LGPD-33-II-b', article: 'LGPD Art. 33 II b', from: '2024-08-23', source: 'ANPD' } },
  };
  const more = lawOf([...regimes, brazil]);
  const at = startOf(today);
  const into = (country: string) => ({ country, certifications: [], sector: 'COMMERCIAL' as const });
  expect(lawFaults(more)).toEqual([]);
  expect(findByLaw(more, 'BR', into('DE'), at)).toMatchObject({ lawful: true, rule: 'LGPD Art. 33 I, an example' });
  expect(findByLaw(more, 'BR', into('US'), at)).toMatchObject({ lawful: false, rule: 'LGPD Art. 33' });
  expect(provisionOf(more, 'SCC', 'BR', at)?.article).toBe('LGPD Art. 33 II b');
  expect(due(regimeOf(more, 'BR', at)?.requestDeadline ?? fail(), at).on).toBe('2026-12-08');
});

function fail(): never {
  throw new Error('no deadline');
}
