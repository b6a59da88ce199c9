import { Field, ID, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import { connectionOf } from '../api/paging';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { DataCategoryEnum, ProcessingPurposeEnum } from '../identity/enums';
import type { RecipientKind } from '../identity/recipient';
import { law } from '../law/law';
import { TransferRecipientKindEnum } from '../register/certification';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { type TransferAction, type TransferState, transferActions, transferStates } from './approval-state';

const governance = 'a record of governance';
const account = 'an account of a client or the platform, not a customer';

export const TransferMechanismEnum = enumOf(
  'TransferMechanism',
  'What carries data across a border (GDPR Art. 45, 46, 49; statement T2).',
  Object.fromEntries(Object.entries(law.tools).map(([name, { title }]) => [name, title])),
);
const TransferStateEnum = enumOf('TransferState', 'Where an approval of a transfer stands.', transferStates);
const TransferActionEnum = enumOf('TransferAction', 'What happened to an approval.', transferActions);

@ObjectType({ description: 'One change of an approval: what, when, by whom, why.', simpleResolvers: true })
export class TransferHistoryEntry {
  @Field(() => DateTime)
  at: Date;

  @Field(() => TransferActionEnum)
  action: TransferAction;

  @Field(() => TransferStateEnum, { description: 'The state after it.' })
  state: TransferState;

  @Field(() => String, { nullable: true, description: 'Who did it; null where time did.' })
  principal: string | null;

  @Field(() => String)
  reason: string;
}

@TenantTable('transfer_approval', { erasure: 'KEEP' })
@ObjectType({
  description: 'An approved mechanism under which data leaves the law that covers it (statement T2).',
  simpleResolvers: true,
})
export class TransferApproval {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(governance, { plain: 'id' })
  @Field(() => ID)
  id: string;

  @NonPersonal(governance, { plain: { text: 20 } })
  @Field(() => TransferRecipientKindEnum)
  recipientKind: RecipientKind;

  @NonPersonal(governance, { plain: 'id' })
  @Field(() => ID)
  recipientId: string;

  @NonPersonal(governance, { plain: { text: 2 } })
  @Field(() => String, { description: 'ISO 3166-1 alpha-2.' })
  destinationCountry: string;

  @NonPersonal(governance, { plain: { list: 500 } })
  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  @NonPersonal(governance, { plain: { list: 200 } })
  @Field(() => [ProcessingPurposeEnum])
  purposes: ProcessingPurpose[];

  @NonPersonal(governance, { plain: { text: 40 } })
  @Field(() => TransferMechanismEnum)
  mechanism: string;

  @NonPersonal(governance, { plain: 'count' })
  @Field(() => Int, { nullable: true, description: 'Module of the standard contractual clauses.' })
  sccModule: number | null;

  @NonPersonal(governance, { plain: { text: 2000 } })
  @Field(() => String, { nullable: true, description: "The assessment of the destination's law, or where it is kept." })
  assessment: string | null;

  @NonPersonal(governance, { plain: { text: 2000 } })
  @Field(() => [String], { description: 'Supplementary measures.' })
  safeguards: string[];

  @NonPersonal(governance, { plain: { text: 500 } })
  @Field(() => String, { nullable: true, description: "The supervisory authority's authorisation (GDPR Art. 46(3))." })
  authorisation: string | null;

  @NonPersonal(governance, { plain: { list: 1000 } })
  @Field(() => [String], {
    nullable: true,
    description: 'Countries whose people it is for; null is every country whose law knows the mechanism.',
  })
  residencies: string[] | null;

  @NonPersonal('a count', { plain: 'count' })
  @Field(() => Int, { nullable: true, description: 'How many people it names; null is for all.' })
  namedSubjects: number | null;

  @NonPersonal(governance, { plain: 'instant' })
  @Field(() => DateTime)
  validFrom: Date;

  @NonPersonal(governance, { plain: 'instant' })
  @Field(() => DateTime, { nullable: true })
  validUntil: Date | null;

  @NonPersonal(account, { plain: { text: 100 } })
  @Field(() => String)
  requestedBy: string;

  @NonPersonal(governance, { plain: 'instant' })
  @Field(() => DateTime)
  requestedAt: Date;

  /** When an officer rejected or revoked it, as the act says. What has ended is left out by an index. */
  @NonPersonal(governance, { plain: 'instant' })
  endedAt: Date | null;

  @Field(() => TransferStateEnum)
  state: TransferState;

  @Field(() => [String], { description: 'Articles it rests on now, one for each regime that it serves.' })
  articles: string[];

  @Field(() => [TransferHistoryEntry], { description: 'Every change, oldest first.' })
  history: TransferHistoryEntry[];
}

export const TransferApprovalConnection = connectionOf(TransferApproval, 'TransferApproval');

/** One act of an officer on an approval. */
@TenantTable('transfer_event', { erasure: 'KEEP' })
export class TransferEventRow {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(governance, { plain: 'id' })
  approvalId: string;

  /** Six digits, so that texts sort as numbers. */
  @Key({ text: 6 })
  @NonPersonal('a count', { plain: { text: 6 } })
  sequence: string;

  @NonPersonal(governance, { plain: { text: 20 } })
  action: string;

  @NonPersonal(governance, { plain: { text: 10 } })
  side: string;

  @NonPersonal(account, { plain: { text: 100 } })
  principal: string;

  @NonPersonal(governance, { plain: { text: 500 } })
  reason: string;

  @NonPersonal(governance, { plain: 'instant' })
  at: Date;
}

/** A person whom a derogation names. The row is erased with the person. */
@TenantTable('transfer_subject', { subject: { kind: 'CUSTOMER', id: 'customerId' }, erasure: 'DELETE' })
export class TransferSubject {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  @NonPersonal(governance, { plain: 'id' })
  approvalId: string;
}
