import { Arg, Ctx, Field, ID, InputType, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { type Connection, page, pageSize, positionOf } from '../api/paging';
import type { DataCategory } from '../governance/vocabulary';
import { sideOf } from '../identity/caller';
import { cursorsOf } from '../identity/cursors';
import { Leaves } from '../identity/entry-declarations';
import { denied, type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { overseers, platform, platformOfficers } from '../identity/roles';
import type { DerivedKeys } from '../keys/derived-keys';
import { reachOf } from '../subjects/reach';
import { Disclosure, DisclosureConnection, RecordDisclosureInput } from './disclosure';
import type { Disclosures } from './disclosures';

@InputType()
class ApproveDisclosureInput {
  @Field(() => ID)
  id: string;
}

@InputType()
class RefuseDisclosureInput {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  reason: string;
}

@ObjectType({ simpleResolvers: true })
class DisclosurePayload {
  @Field(() => Disclosure)
  disclosure: Disclosure;
}

/** Disclosures by the platform (statement S4). A client sees its own unless a gag covers them. */
@Resolver()
export class DisclosureResolver {
  constructor(
    private readonly disclosures: Disclosures,
    private readonly cursorKeys: DerivedKeys,
  ) {}

  @Query(() => DisclosureConnection, {
    name: 'disclosures',
    description: "Disclosures of the client's data, the newest first; the client is shown none that a gag covers.",
  })
  async disclosuresPage(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
  ): Promise<Connection<Disclosure>> {
    requireRole(context, ...overseers);
    const { id: client } = requireClient(context);
    const size = pageSize(first);
    const cursors = cursorsOf(context, this.cursorKeys, 'Query.disclosures');
    const position = positionOf(after, cursors);
    const asClient = sideOf(context.claims.roles) === 'CLIENT';
    const found = await this.disclosures.list(client, asClient, size + 1, position);
    return page(found, size, position, cursors, ({ id }) => id);
  }

  @Mutation(() => DisclosurePayload, {
    description: 'Records a disclosure that is asked for; another person must approve it before anything is given.',
  })
  @Leaves('DISCLOSURE_REQUESTED')
  async recordDisclosure(
    @Arg('input', () => RecordDisclosureInput) input: RecordDisclosureInput,
    @Ctx() context: RequestContext,
  ): Promise<DisclosurePayload> {
    requireRole(context, ...platform);
    const { id } = requireClient(context);
    requireLegal(context, input.categories);
    const reach = reachOf(context, 'LEGAL');
    return { disclosure: await this.disclosures.request(id, input, context.claims.subject, reach) };
  }

  @Mutation(() => DisclosurePayload, { description: 'Approves a disclosure that another person recorded.' })
  @Leaves('DISCLOSURE_MADE')
  async approveDisclosure(
    @Arg('input', () => ApproveDisclosureInput) { id }: ApproveDisclosureInput,
    @Ctx() context: RequestContext,
  ): Promise<DisclosurePayload> {
    requireRole(context, ...platformOfficers);
    return { disclosure: await this.disclosures.approve(requireClient(context).id, id, context.claims.subject) };
  }

  @Mutation(() => DisclosurePayload, { description: 'Refuses a disclosure that another person recorded.' })
  @Leaves('DISCLOSURE_REFUSED')
  async refuseDisclosure(
    @Arg('input', () => RefuseDisclosureInput) { id, reason }: RefuseDisclosureInput,
    @Ctx() context: RequestContext,
  ): Promise<DisclosurePayload> {
    requireRole(context, ...platformOfficers);
    const { subject } = context.claims;
    return { disclosure: await this.disclosures.refuse(requireClient(context).id, id, reason, subject) };
  }
}

/**
 * Recording a disclosure requires that the caller may read its categories for LEGAL, by an instruction of the client.
 * This is checked before anything about a person.
 * @throws {GraphQLError} FORBIDDEN
 */
function requireLegal(context: RequestContext, categories: readonly DataCategory[]): void {
  const { grantedPurposes, prohibitions = [] } = context.accessFor('LEGAL');
  const outside = categories.filter((each) => prohibitions.some(({ category }) => category === each));
  if (grantedPurposes.includes('LEGAL') && outside.length === 0) return;
  const what = outside.length > 0 ? ` of ${outside.join(', ')}` : '';
  throw denied.forbidden(`This needs an instruction of the client, in force, that lets you read${what} for LEGAL.`);
}
