import { Arg, Ctx, Field, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { Leaves } from '../identity/entry-declarations';
import { denied, type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { administration, platformOfficers } from '../identity/roles';
import { about, type SubjectState, unrestricted } from '../identity/subject-state';
import { PLATFORM } from '../keys/platform-key';
import type { ThirdParties } from '../register/third-parties';
import { reachOf } from '../subjects/reach';
import { UNDER_ERASURE } from '../tenancy/fence';
import { PlaceLegalHoldInput, RegisterWebhookInput, ReleaseLegalHoldInput, SetRetentionInput } from './erasure-inputs';
import { overseen } from './erasure-resolver';
import { LegalHold, RetentionRule, WebhookEndpoint } from './erasure-types';
import type { LegalHold as Hold } from './holds';
import type { ErasureModule } from './module';

@ObjectType({ simpleResolvers: true })
class LegalHoldPayload {
  @Field(() => LegalHold)
  hold: LegalHold;
}

@ObjectType({ simpleResolvers: true })
class RetentionPayload {
  @Field(() => [RetentionRule])
  retention: RetentionRule[];
}

@ObjectType({ simpleResolvers: true })
class WebhookPayload {
  @Field(() => WebhookEndpoint)
  endpoint: WebhookEndpoint;
}

/** What limits erasure and what sets it going: holds, retention, and where recipients are told. */
@Resolver()
export class HoldResolver {
  constructor(
    private readonly room: ErasureModule,
    private readonly parties: ThirdParties,
  ) {}

  @Query(() => [LegalHold], { description: 'Holds of the client, released ones included.' })
  async legalHolds(@Ctx() context: RequestContext): Promise<LegalHold[]> {
    const client = overseen(context);
    return this.#shown(client, await this.room.holds.list(client));
  }

  @Query(() => [RetentionRule], { description: 'How long the client keeps what.' })
  retention(@Ctx() context: RequestContext): Promise<RetentionRule[]> {
    return this.room.retention.of(overseen(context));
  }

  @Mutation(() => LegalHoldPayload, { description: 'Keeps exactly these categories of a person (GDPR Art. 17(3)(e)).' })
  @Leaves('LEGAL_HOLD_PLACED')
  async placeLegalHold(
    @Arg('input', () => PlaceLegalHoldInput) input: PlaceLegalHoldInput,
    @Ctx() context: RequestContext,
  ): Promise<LegalHoldPayload> {
    requireRole(context, ...administration);
    const by = holder(context);
    return { hold: await this.#one(by.client, await this.room.holds.place(by, input)) };
  }

  @Mutation(() => LegalHoldPayload, { description: 'Ends a hold; an erasure that waited for it goes on by itself.' })
  @Leaves('LEGAL_HOLD_RELEASED')
  async releaseLegalHold(
    @Arg('input', () => ReleaseLegalHoldInput) input: ReleaseLegalHoldInput,
    @Ctx() context: RequestContext,
  ): Promise<LegalHoldPayload> {
    requireRole(context, ...administration);
    const by = holder(context);
    return { hold: await this.#one(by.client, await this.room.holds.release(by, input.id)) };
  }

  @Mutation(() => RetentionPayload, { description: 'Sets how long a category, or the whole person, is kept.' })
  @Leaves('RETENTION_SET')
  async setRetention(
    @Arg('input', () => SetRetentionInput) input: SetRetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<RetentionPayload> {
    requireRole(context, ...administration);
    const actor = { client: requireClient(context).id, principal: context.claims.subject };
    return { retention: await this.room.retention.set(actor, input.category ?? null, input.days ?? null) };
  }

  @Mutation(() => WebhookPayload, {
    description:
      'Says where a recipient, or the client itself, is told, signed as Standard Webhooks say; replaces the last.',
  })
  @Leaves('WEBHOOK_REGISTERED')
  async registerWebhook(
    @Arg('input', () => RegisterWebhookInput) input: RegisterWebhookInput,
    @Ctx() context: RequestContext,
  ): Promise<WebhookPayload> {
    const { installationId, subProcessor, url } = input;
    if (installationId && !subProcessor) {
      requireRole(context, ...administration);
      const { id } = requireClient(context);
      const known = await this.parties.installations(id);
      if (!known.some((installation) => installation.id === installationId)) throw denied.notFound('installation');
      const owner = { kind: 'APPLICATION', id: installationId } as const;
      return { endpoint: await this.room.webhooks.register(id, owner, url, context.claims.subject) };
    }
    if (!subProcessor && administration.some((role) => context.claims.roles.includes(role))) {
      const { id } = requireClient(context);
      const owner = { kind: 'CLIENT', id } as const;
      return { endpoint: await this.room.webhooks.register(id, owner, url, context.claims.subject) };
    }
    requireRole(context, ...platformOfficers);
    if (!subProcessor || installationId) throw denied.input('Give either "installationId" or "subProcessor".');
    const known = await this.parties.subProcessor(subProcessor);
    if (!known) throw denied.notFound('sub-processor');
    const owner = { kind: 'SUB_PROCESSOR', id: known.id } as const;
    return { endpoint: await this.room.webhooks.register(PLATFORM, owner, url, context.claims.subject) };
  }

  async #one(client: string, hold: Hold): Promise<LegalHold> {
    const [shown] = await this.#shown(client, [hold]);
    if (!shown) throw new Error('a hold is always shown');
    return shown;
  }

  /** Holds with the person that each is about, in the state that the person is in. */
  async #shown(client: string, holds: readonly Hold[]): Promise<LegalHold[]> {
    const states = await this.room.holds.statesOf(client, holds);
    return holds.map(({ customerId, ...hold }) => ({
      ...hold,
      categories: [...hold.categories],
      subject: about({ customerId }, states.get(customerId) ?? gone(customerId)),
    }));
  }
}

/** Of whom there is nothing left but what the hold says. */
const gone = (subject: string): SubjectState => ({ ...unrestricted, subject, restriction: UNDER_ERASURE });

/** Who places holds on people and ends them, and whom they reach. */
const holder = (context: RequestContext) => ({
  client: requireClient(context).id,
  principal: context.claims.subject,
  reach: reachOf(context),
});
