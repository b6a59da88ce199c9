import { Arg, Ctx, Field, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { Leaves } from '../../identity/entry-declarations';
import { type RequestContext, requireClient, requireRole } from '../../identity/request-context';
import { administration } from '../../identity/roles';
import { about, type SubjectState, unrestricted } from '../../identity/subject-state';
import { reachOf } from '../../subjects/reach';
import { UNDER_ERASURE } from '../../tenancy/fence';
import { overseen } from '../requests/erasure-request-resolver';
import { LegalHold, PlaceLegalHoldInput, ReleaseLegalHoldInput } from './legal-hold-types';
import type { LegalHold as Hold, LegalHolds } from './legal-holds';

@ObjectType({ simpleResolvers: true })
class LegalHoldPayload {
  @Field(() => LegalHold)
  hold: LegalHold;
}

/** Legal holds of a client. */
@Resolver()
export class LegalHoldResolver {
  constructor(private readonly holds: LegalHolds) {}

  @Query(() => [LegalHold], { description: 'Holds of the client, released ones included.' })
  async legalHolds(@Ctx() context: RequestContext): Promise<LegalHold[]> {
    const client = overseen(context);
    return this.#shown(client, await this.holds.list(client));
  }

  @Mutation(() => LegalHoldPayload, { description: 'Keeps exactly these categories of a person (GDPR Art. 17(3)(e)).' })
  @Leaves('LEGAL_HOLD_PLACED')
  async placeLegalHold(
    @Arg('input', () => PlaceLegalHoldInput) input: PlaceLegalHoldInput,
    @Ctx() context: RequestContext,
  ): Promise<LegalHoldPayload> {
    requireRole(context, ...administration);
    const by = holder(context);
    return { hold: await this.#one(by.client, await this.holds.place(by, input)) };
  }

  @Mutation(() => LegalHoldPayload, { description: 'Ends a hold; an erasure that waited for it goes on by itself.' })
  @Leaves('LEGAL_HOLD_RELEASED')
  async releaseLegalHold(
    @Arg('input', () => ReleaseLegalHoldInput) input: ReleaseLegalHoldInput,
    @Ctx() context: RequestContext,
  ): Promise<LegalHoldPayload> {
    requireRole(context, ...administration);
    const by = holder(context);
    return { hold: await this.#one(by.client, await this.holds.release(by, input.id)) };
  }

  async #one(client: string, hold: Hold): Promise<LegalHold> {
    const [shown] = await this.#shown(client, [hold]);
    if (!shown) throw new Error('a hold is always shown');
    return shown;
  }

  /** Holds with the person of each, in the person's current state. */
  async #shown(client: string, holds: readonly Hold[]): Promise<LegalHold[]> {
    const states = await this.holds.statesOf(client, holds);
    return holds.map(({ customerId, ...hold }) => ({
      ...hold,
      categories: [...hold.categories],
      subject: about({ customerId }, states.get(customerId) ?? gone(customerId)),
    }));
  }
}

/** The state of a person of whom only the hold is left. */
const gone = (subject: string): SubjectState => ({ ...unrestricted, subject, restriction: UNDER_ERASURE });

/** The caller, and the people whom the caller reaches. */
const holder = (context: RequestContext) => ({
  client: requireClient(context).id,
  principal: context.claims.subject,
  reach: reachOf(context),
});
