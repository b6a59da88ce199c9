import { GraphQLSafeInt } from 'graphql-scalars';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import { type DiscardReason, discardReasons, type ExportStatus, exportStatuses } from './client-export';

const ExportStatusEnum = enumOf('ExportStatus', 'How far an export is.', exportStatuses);
const ExportDiscardReasonEnum = enumOf('ExportDiscardReason', 'Why an export’s content is gone.', discardReasons);

@ObjectType({
  description: 'Everything of a client as NDJSON; `GET /exports/ID` gives it to those who administer the client.',
  simpleResolvers: true,
})
export class ClientExport {
  @Field(() => ID)
  id: string;

  @Field(() => ExportStatusEnum)
  status: ExportStatus;

  @Field(() => ExportDiscardReasonEnum, { nullable: true, description: 'Why it was discarded.' })
  reason: DiscardReason | null;

  @Field(() => DateTime)
  requestedAt: Date;

  @Field(() => DateTime, { nullable: true })
  readyAt: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Its content is removed then.' })
  collectBy: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When it was downloaded in full.' })
  collectedAt: Date | null;

  @Field(() => GraphQLSafeInt, { nullable: true })
  bytes: number | null;

  @Field(() => GraphQLSafeInt, { nullable: true })
  rows: number | null;
}

@InputType()
export class RequestClientExportInput {
  @Field(() => ID, { description: 'Id or slug.' })
  clientId: string;
}
