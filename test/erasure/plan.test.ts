import { tenantEntities } from '../../src/entities';
import { erasureDue } from '../../src/erasure/deadline';
import { categoriesOf, planErasure } from '../../src/erasure/execution/plan';
import { allCategories, type DataCategory } from '../../src/governance/vocabulary';
import { law, lawOf } from '../../src/law/law';
import type { Regime } from '../../src/law/regime';
import { NonPersonal, PersonalData } from '../../src/tenancy/personal-data';
import { Key, TenantTable, tableOf } from '../../src/tenancy/tenant-table';

const tables = tenantEntities.map(tableOf);
const whole = { subject: 'CUSTOMER' as const, erases: () => true, keepsDeidentified: false };

describe('what an erasure does, out of the decorators alone (pitfall 27)', () => {
  test('every table about a customer is visited, the customer’s own row last', () => {
    const about = tables.filter(({ subject }) => subject?.kind === 'CUSTOMER');
    const plan = planErasure(tables, whole);
    expect(new Set(plan.map(({ store }) => store))).toEqual(new Set(about.map(({ name }) => `data:${name}`)));
    expect(plan.at(-1)).toMatchObject({ store: 'data:customer', action: 'DELETE' });
    for (const { store, action } of plan) {
      const table = about.find(({ name }) => `data:${name}` === store);
      expect([store, action]).toEqual([store, table?.erasure === 'KEEP' ? 'DEIDENTIFY' : 'DELETE']);
    }
  });

  test('D4: amounts stay de-identified only where the agreement says so', () => {
    const of = (keepsDeidentified: boolean) =>
      planErasure(tables, { ...whole, keepsDeidentified }).find(({ store }) => store === 'data:purchase_order')?.action;
    expect([of(false), of(true)]).toEqual(['DELETE', 'DEIDENTIFY']);
  });

  test.each(allCategories)('a hold on %s keeps that category and nothing else', (held) => {
    const plan = planErasure(tables, { ...whole, erases: (category) => category !== held });
    for (const { store, action, categories } of plan) {
      expect(categories).not.toContain(held);
      const table = tables.find(({ name }) => `data:${name}` === store);
      if (action === 'DELETE' && table) expect(categoriesOf(table)).not.toContain(held);
    }
    const erased = new Set(plan.flatMap(({ categories }) => categories));
    const there = new Set(tables.filter(({ subject }) => subject?.kind === 'CUSTOMER').flatMap(categoriesOf));
    there.delete(held);
    expect(erased).toEqual(there);
  });

  test('a table that is new is visited without anybody telling the eraser', () => {
    @TenantTable('wish', { subject: { kind: 'CUSTOMER', id: 'customerId' }, erasure: 'DELETE' })
    class Wish {
      @Key()
      clientId: string;

      @Key()
      customerId: string;

      @Key()
      @NonPersonal('a number', { plain: 'id' })
      id: string;

      @PersonalData({
        category: 'BEHAVIOUR' as DataCategory,
        allow: ['SUPPORT'],
        erasure: 'DELETE',
        retention: 'AGREEMENT',
        stored: { sealed: true },
      })
      text: string | null;
    }
    const plan = planErasure([...tables, tableOf(Wish)], whole);
    expect(plan).toContainEqual({ store: 'data:wish', action: 'DELETE', categories: ['BEHAVIOUR'] });
  });
});

describe('when an erasure is due', () => {
  const at = (text: string) => Date.parse(text);
  const due = (requested: string, residency: string | null, days: number[] = []) =>
    new Date(erasureDue(at(requested), residency, days).at).toISOString();

  test.each([
    ['D2: 90 days, where nothing is shorter', '2026-01-31T10:00:00Z', null, [], '2026-05-01T10:00:00.000Z'],
    ['pitfall 31: a month ends with the month', '2026-01-31T10:00:00Z', 'DE', [], '2026-02-28T23:59:59.999Z'],
    ['GDPR Art. 12(3)', '2026-03-10T10:00:00Z', 'FR', [], '2026-04-10T23:59:59.999Z'],
    ['UK GDPR Art. 12(3)', '2026-03-10T10:00:00Z', 'GB', [], '2026-04-10T23:59:59.999Z'],
    ['FADP Art. 25(7): 30 days', '2026-03-10T10:00:00Z', 'CH', [], '2026-04-09T23:59:59.999Z'],
    ['CCPA: 45 days', '2026-03-10T10:00:00Z', 'US', [], '2026-04-24T23:59:59.999Z'],
    ['the agreement, where it is shorter', '2026-03-10T10:00:00Z', 'FR', [14, 60], '2026-03-24T10:00:00.000Z'],
    ['the law, where that is', '2026-03-10T10:00:00Z', 'FR', [60], '2026-04-10T23:59:59.999Z'],
    ['an unknown country', '2026-01-31T10:00:00Z', 'XX', [], '2026-05-01T10:00:00.000Z'],
  ])('%s', (_name, requested, residency, days, expected) => {
    expect(due(requested, residency, days)).toBe(expected);
  });

  test('a regime that is added brings its own deadline', () => {
    const brazil: Regime = {
      ...(law.regimes[0] as Regime),
      id: 'BR',
      territory: [{ country: 'BR', from: '2020-09-18' }],
      requestDeadline: { article: 'LGPD Art. 19 II', period: { days: 15 }, source: 'Lei 13.709/2018' },
    };
    const term = erasureDue(at('2026-03-10T10:00:00Z'), 'BR', [], lawOf([...law.regimes, brazil]));
    expect(term).toEqual({ at: at('2026-03-25T23:59:59.999Z'), rule: 'LGPD Art. 19 II' });
  });
});
