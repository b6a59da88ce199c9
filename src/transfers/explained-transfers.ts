import { Field, ObjectType } from 'type-graphql';
import type { Outcome } from '../governance/govern';
import type { DataCategory, DataSubject } from '../governance/vocabulary';
import { sideOf } from '../identity/caller';
import { OutcomeEnum } from '../identity/enums';
import type { RequestContext } from '../identity/request-context';
import { Customer } from '../subjects/customer';
import { tableOf } from '../tenancy/tenant-table';
import type { TransfersModule } from './module';
import { bitOf, hasBits, type Transfer } from './transfer-table';

@ObjectType({
  description: 'What becomes of a field in rows about the people of one country (T1, T2).',
  simpleResolvers: true,
})
export class TransferExplanation {
  @Field(() => String, { nullable: true, description: 'ISO 3166-1 alpha-2; null where none is recorded.' })
  residency: string | null;

  @Field(() => OutcomeEnum)
  outcome: Outcome;

  @Field(() => String, { nullable: true, description: 'Why it is withheld.' })
  code: string | null;

  @Field(() => String, { description: 'What carries it, or what forbids it.' })
  rule: string;

  @Field(() => String, { nullable: true, description: 'The finding or the approval that carries it across a border.' })
  basis: string | null;
}

/** A field, and what the decision says of it before any row is known. */
export interface ExplainedField {
  readonly outcome: Outcome;
  readonly code: string | null;
  readonly rule: string;
  readonly category: DataCategory | null;
  readonly subject: DataSubject | null;
  /** Whether it leads to rows. Such a field has no row of its own that could withhold it. */
  readonly rows: boolean;
}

/**
 * Explains transfers to a caller, for each country where the client's people live. Where they live is told only to the
 * client's own people and the platform's, and only for a granted purpose that may read the residency.
 */
export async function explainTransfers(
  module: TransfersModule,
  context: RequestContext,
  purpose: string | undefined,
): Promise<(field: ExplainedField) => TransferExplanation[] | null> {
  const { client, country, recipient, claims } = context;
  const side = sideOf(claims.roles);
  if (!client || (side !== 'CLIENT' && side !== 'PLATFORM') || !mayKnowResidency(context, purpose)) return () => null;
  const caller = { client: client.id, recipient, country };
  const ofCustomers = await module.rules.transfers(caller, purpose, await module.store.residencies(client.id));
  const ofUsers = await module.rules.transfers(caller, purpose, [await module.recipients.countryOf(client.id)]);
  return (field) =>
    (field.rows && field.category === null ? [] : field.subject === 'CLIENT_USER' ? ofUsers : ofCustomers).map(
      ({ residency, transfer }) => ({
        residency,
        ...outcomeOf(field, transfer),
      }),
    );
}

function mayKnowResidency(context: RequestContext, purpose: string | undefined): boolean {
  const { grantedPurposes, prohibitions = [] } = context.accessFor(purpose);
  const said = tableOf(Customer).fields.get('residency')?.personal;
  if (!said || purpose === undefined || !grantedPurposes.includes(purpose)) return false;
  return said.allow.some((one) => one === purpose) && !prohibitions.some(({ category }) => category === said.category);
}

function outcomeOf({ outcome, code, rule, category }: ExplainedField, transfer: Transfer) {
  if (outcome === 'WITHHELD') return { outcome, code, rule, basis: null };
  if (!hasBits(transfer.categories, bitOf(category ?? undefined))) {
    const basis = transfer.named.size > 0 ? `${transfer.bases.join('; ')}, for the people it names` : null;
    return { outcome: 'WITHHELD' as const, code: transfer.refusal.code, rule: transfer.refusal.rule, basis };
  }
  const basis = transfer.bases.join('; ') || null;
  return { outcome, code: null, rule: basis ?? transfer.refusal.rule, basis };
}
