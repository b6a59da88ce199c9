import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { bumpPolicy, REGISTER } from '../identity/policy-version';
import type { RecipientReference } from '../identity/recipient';
import { denied } from '../identity/request-context';
import type { Regions } from '../storage/regions';
import { committed, inTransaction } from '../storage/transaction';
import { type CertificationInput, RecipientCertification } from './certification';

/** Which recipients are certified under which frameworks, and when. */
export class Certifications {
  readonly #regions: Regions;

  constructor(regions: Regions) {
    this.#regions = regions;
  }

  all(): Promise<RecipientCertification[]> {
    const { home } = this.#regions;
    return committed(home, () => home.getRepository(RecipientCertification).find({ order: { id: 'ASC' } }));
  }

  /** Replaces what is recorded of a recipient; the next request feels it. @throws {GraphQLError} BAD_USER_INPUT */
  async certify(recipient: RecipientReference, certifications: readonly CertificationInput[]): Promise<void> {
    await inTransaction(this.#regions.home, (manager) => certifyWithin(manager, recipient, certifications));
  }
}

/** The same, inside a transaction of the caller's on the home database. */
export async function certifyWithin(
  manager: EntityManager,
  { kind, id }: RecipientReference,
  certifications: readonly CertificationInput[],
): Promise<void> {
  const repository = manager.getRepository(RecipientCertification);
  await repository.delete({ recipientKind: kind, recipientId: id });
  for (const { framework, from, to } of certifications) {
    if (to && to <= from) throw denied.input('A certification\'s "to" must be after its "from".');
    await repository.insert({
      id: uuid(),
      recipientKind: kind,
      recipientId: id,
      framework,
      validFrom: from.getTime(),
      validTo: to?.getTime() ?? null,
    });
  }
  await bumpPolicy(manager, REGISTER);
}
