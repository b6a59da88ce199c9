import { allPurposes, type ProcessingPurpose } from '../governance/vocabulary';
import type { RecipientReference } from '../identity/recipient';
import type { ThirdParties } from '../register/third-parties';
import { stateAt } from './approval-state';
import type { TransfersModule } from './module';
import { windowOf } from './suspensions';
import { courseOf } from './transfer-approvals';

/** A transfer as the record of processing states it: approved, or possible without an approval. */
interface Stated {
  readonly recipient: string;
  readonly country: string;
  readonly mechanism: string;
  readonly state: string;
  readonly categories: readonly string[];
}

/**
 * The transfers of a client: those that its approvals declare, and those that adequacy allows without an approval. The
 * recipients are the sub-processors and the installed applications; the people are the client's customers.
 */
export async function declaredTransfers(
  module: TransfersModule,
  parties: ThirdParties,
  client: string,
  now = Date.now(),
): Promise<Stated[]> {
  const suspensions = (await module.suspensions.list()).map(windowOf);
  const approved: Stated[] = [];
  for (const approval of await module.store.all(client)) {
    const { recipientKind, recipientId, destinationCountry, mechanism, categories } = approval;
    const known = await module.recipients.find(recipientKind, recipientId, client).catch(() => undefined);
    approved.push({
      recipient: `${known?.name ?? 'not known any more'} (${recipientKind} ${recipientId})`,
      country: destinationCountry,
      mechanism,
      state: stateAt(courseOf(module.law, approval, suspensions), now),
      categories,
    });
  }
  return [...approved, ...(await possible(module, parties, client, now))];
}

async function possible(
  module: TransfersModule,
  parties: ThirdParties,
  client: string,
  now: number,
): Promise<Stated[]> {
  const residencies = await module.store.residencies(client);
  const found: Stated[] = [];
  for (const { reference, name, country, purposes, categories } of await recipientsOf(parties, client, now)) {
    const bases = new Map<string, Set<string>>();
    for (const purpose of purposes) {
      const transfers = await module.rules.transfers({ client, recipient: reference, country }, purpose, residencies);
      for (const { residency, transfer } of transfers) {
        if (transfer.approvals.length > 0) continue;
        for (const basis of transfer.bases) bases.set(basis, (bases.get(basis) ?? new Set()).add(residency ?? '?'));
      }
    }
    for (const [basis, countries] of bases) {
      found.push({
        recipient: `${name} (${reference.kind} ${reference.id})`,
        country,
        mechanism: `${basis}, of people of ${[...countries].sort().join(', ')}`,
        state: 'POSSIBLE',
        categories,
      });
    }
  }
  return found;
}

interface Known {
  readonly reference: RecipientReference;
  readonly name: string;
  readonly country: string;
  readonly purposes: readonly ProcessingPurpose[];
  readonly categories: readonly string[];
}

/** Third parties that may read a client's data now. */
async function recipientsOf(parties: ThirdParties, client: string, now: number): Promise<Known[]> {
  const engaged = (await parties.subProcessors()).filter(
    ({ engagedFrom, engagedTo }) => engagedFrom <= now && (engagedTo === null || engagedTo > now),
  );
  const installed = (await parties.installations(client)).filter(({ inForce }) => inForce);
  return [
    ...engaged.map(({ id, name, country, purposes, categories }) => {
      return { reference: { kind: 'SUB_PROCESSOR' as const, id }, name, country, purposes, categories };
    }),
    ...installed.map(({ application: { id, name, country } }) => {
      const reference = { kind: 'APPLICATION' as const, id };
      return { reference, name, country, purposes: allPurposes, categories: ['as granted'] };
    }),
  ];
}
