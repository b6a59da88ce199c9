import { allPurposes, type DataCategory, dataCategories } from '../../src/governance/vocabulary';
import type { TestApp } from './app';

/**
 * Lets a client's own people read in Germany about people whose law no regime here covers, for tests that are about
 * something else: with an approval, as a privacy officer would.
 */
export async function openBorders(app: TestApp, slug: string, ...residencies: string[]): Promise<void> {
  const client = await app.services.clients.find(slug);
  if (!client) throw new Error(`there is no client ${slug}`);
  const { approvals } = app.services.transfers;
  const input = {
    recipient: { kind: 'CLIENT' as const },
    destinationCountry: 'DE',
    categories: Object.keys(dataCategories) as DataCategory[],
    purposes: allPurposes,
    mechanism: 'NATIONAL_LAW',
    assessment: 'made for a test',
    residencies,
  };
  const asked = await approvals.request(client.id, input, { principal: 'asks', side: 'CLIENT' });
  await approvals.decide(client.id, asked.id, 'APPROVED', 'for a test', { principal: 'decides', side: 'CLIENT' });
}
