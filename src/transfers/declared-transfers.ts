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
 * Transfers that a client's approvals declare, and those that adequacy lets happen without one: to the sub-processors and
 * the installed applications, of the people whom the client has.
 */
export async function declaredTransfers(
  room: TransfersModule,
  parties: ThirdParties,
  client: string,
  now = Date.now(),
): Promise<Stated[]> {
  const suspensions = (await room.suspensions.list()).map(windowOf);
  const approved: Stated[] = [];
  for (const approval of await room.store.all(client)) {
    const { recipientKind, recipientId, destinationCountry, mechanism, categories } = approval;
    const known = await room.recipients.find(recipientKind, recipientId, client).catch(() => undefined);
    approved.push({
      recipient: `${known?.name ?? 'not known any more'} (${recipientKind} ${recipientId})`,
      country: destinationCountry,
      mechanism,
      state: stateAt(courseOf(room.law, approval, suspensions), now) ?? 'REQUESTED',
      categories,
    });
  }
  return [...approved, ...(await possible(room, parties, client, now))];
}

async function possible(room: TransfersModule, parties: ThirdParties, client: string, now: number): Promise<Stated[]> {
  const residencies = await room.store.residencies(client);
  const found: Stated[] = [];
  for (const { reference, name, country, purposes, categories } of await recipientsOf(parties, client, now)) {
    const bases = new Map<string, Set<string>>();
    for (const purpose of purposes) {
      const transfers = await room.rules.transfers({ client, recipient: reference, country }, purpose, residencies);
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

/** Third parties that may read of a client now. */
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
