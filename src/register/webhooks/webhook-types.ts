import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { enumOf } from '../../api/enum-of';

export const RecipientKindEnum = enumOf('RecipientKind', 'Who receives data beside the client.', {
  SUB_PROCESSOR: 'A sub-processor of the platform (statement S2).',
  APPLICATION: 'A third-party application that the client installed (statement S3).',
});
export const DeliveryStatusEnum = enumOf('DeliveryStatus', 'Whether a recipient has been told.', {
  QUEUED: 'Not told yet; it is tried again.',
  NO_ENDPOINT: 'It has no endpoint: somebody has to tell it.',
  NOTIFIED: 'Told, and it has not acknowledged.',
  ACKNOWLEDGED: 'It has said that it did its part.',
  DEAD: 'It could not be told: every attempt failed.',
});
@ObjectType({ description: 'Where a recipient is told.', simpleResolvers: true })
export class WebhookEndpoint {
  @Field(() => ID)
  id: string;

  @Field(() => String, { description: 'Signs what is sent and what is acknowledged; shown this once.' })
  secret: string;
}

@InputType({ description: 'One of the two.' })
export class RegisterWebhookInput {
  @Field(() => ID, { nullable: true, description: 'An application that the client installed.' })
  installationId?: string | null;

  @Field(() => ID, { nullable: true, description: 'A sub-processor, by id or slug; for the platform.' })
  subProcessor?: string | null;

  @Field(() => String, {
    description:
      'https, and outside this network. Without a recipient it is where the client itself is told of notices.',
  })
  url: string;

  @Field(() => Int, {
    nullable: true,
    description:
      'For how many days the last secret signs too, from 0 to 30, so that the recipient can change over without a ' +
      'gap. 0 unless told; it counts only where the URL stays the same.',
  })
  lastSecretDays?: number | null;
}
