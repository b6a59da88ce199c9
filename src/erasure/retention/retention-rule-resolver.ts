import { Arg, Ctx, Field, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { Leaves } from '../../identity/entry-declarations';
import { type RequestContext, requireClient, requireRole } from '../../identity/request-context';
import { administration } from '../../identity/roles';
import { overseen } from '../requests/erasure-request-resolver';
import { RetentionRule, SetRetentionInput } from './retention-rule-types';
import type { RetentionRules } from './retention-rules';

@ObjectType({ simpleResolvers: true })
class RetentionPayload {
  @Field(() => [RetentionRule])
  retention: RetentionRule[];
}

/** Retention rules of a client. */
@Resolver()
export class RetentionRuleResolver {
  constructor(private readonly rules: RetentionRules) {}

  @Query(() => [RetentionRule], { description: 'How long the client keeps what.' })
  retention(@Ctx() context: RequestContext): Promise<RetentionRule[]> {
    return this.rules.of(overseen(context));
  }

  @Mutation(() => RetentionPayload, { description: 'Sets how long a category, or the whole person, is kept.' })
  @Leaves('RETENTION_SET')
  async setRetention(
    @Arg('input', () => SetRetentionInput) input: SetRetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<RetentionPayload> {
    requireRole(context, ...administration);
    const actor = { client: requireClient(context).id, principal: context.claims.subject };
    return { retention: await this.rules.set(actor, input.category ?? null, input.days ?? null) };
  }
}
