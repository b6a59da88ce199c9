import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import type { ProcessingPurpose } from '../governance/vocabulary';
import type { Role } from './caller';
import { ClientInstruction, GiveInstructionInput } from './client-instruction';
import { Leaves } from './entry-declarations';
import { ProcessingPurposeEnum, RoleEnum } from './enums';
import type { Actor, GovernanceRecords } from './governance-records';
import { GranteeKind, GrantPurposeInput, PurposeGrant } from './purpose-grant';
import { denied, type RequestContext, requireClient, requireRole } from './request-context';
import { administration, clientRoles } from './roles';

@InputType()
class WithdrawInput {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  reason: string;
}

@ObjectType({ simpleResolvers: true })
class PurposeGrantPayload {
  @Field(() => PurposeGrant)
  grant: PurposeGrant;
}

@ObjectType({ simpleResolvers: true })
class ClientInstructionPayload {
  @Field(() => ClientInstruction)
  instruction: ClientInstruction;
}

@ObjectType({ description: 'Who the server takes the caller to be.', simpleResolvers: true })
class Viewer {
  @Field(() => String, { description: 'The principal (`sub`).' })
  principal: string;

  @Field(() => [RoleEnum])
  roles: readonly Role[];

  @Field(() => String, { nullable: true, description: 'The client whose data the token is about, by its slug.' })
  client: string | null;

  @Field(() => String, { nullable: true, description: 'ISO 3166-1 alpha-2: where data is read.' })
  country: string | null;

  @Field(() => [String])
  scopes: readonly string[];

  @Field(() => [ProcessingPurposeEnum], { description: 'Purposes that a request may state now.' })
  purposes: readonly ProcessingPurpose[];
}

/** Purpose grants and client instructions, given and withdrawn by the client's administrators and privacy officers. */
@Resolver()
export class GovernanceResolver {
  constructor(private readonly records: GovernanceRecords) {}

  @Query(() => Viewer, { nullable: true, description: 'Who the server takes the caller to be; null without a token.' })
  viewer(@Ctx() context: RequestContext): Viewer | null {
    const { claims, client, country, access } = context;
    if (claims.subject === '') return null;
    const purposes = access.grantedPurposes as readonly ProcessingPurpose[];
    return {
      principal: claims.subject,
      roles: claims.roles,
      client: client?.slug ?? null,
      country: country ?? null,
      scopes: access.scopes ?? [],
      purposes,
    };
  }

  @Query(() => [PurposeGrant], { description: "The client's purpose grants, withdrawn and expired ones included." })
  async purposeGrants(@Ctx() context: RequestContext): Promise<PurposeGrant[]> {
    const { client } = actorOf(context, 'AUDITOR');
    return (await this.records.list(PurposeGrant, client)) as unknown as PurposeGrant[];
  }

  @Query(() => [ClientInstruction], { description: "The client's instructions, withdrawn and expired ones included." })
  async clientInstructions(@Ctx() context: RequestContext): Promise<ClientInstruction[]> {
    const { client } = actorOf(context, 'AUDITOR', 'PLATFORM_PRIVACY_OFFICER');
    return (await this.records.list(ClientInstruction, client)) as unknown as ClientInstruction[];
  }

  @Mutation(() => PurposeGrantPayload, {
    description: 'Grants a purpose to a role, a principal or an application of the client.',
  })
  @Leaves('GRANT_GIVEN')
  async grantPurpose(
    @Arg('input', () => GrantPurposeInput) input: GrantPurposeInput,
    @Ctx() context: RequestContext,
  ): Promise<PurposeGrantPayload> {
    const actor = actorOf(context);
    if (input.granteeKind === GranteeKind.ROLE && !clientRoles.some((role) => role === input.grantee)) {
      throw denied.input(
        `"grantee" must be one of the client's roles ${clientRoles.join(', ')}; staff need an instruction.`,
      );
    }
    return { grant: await this.records.grant(actor, input) };
  }

  @Mutation(() => PurposeGrantPayload, { description: 'Withdraws a purpose grant; the next request feels it.' })
  @Leaves('GRANT_WITHDRAWN')
  async withdrawPurpose(
    @Arg('input', () => WithdrawInput) input: WithdrawInput,
    @Ctx() context: RequestContext,
  ): Promise<PurposeGrantPayload> {
    const grant = await this.records.withdraw(PurposeGrant, actorOf(context), input.id, input.reason);
    return { grant: grant as PurposeGrant };
  }

  @Mutation(() => ClientInstructionPayload, {
    description: "Lets platform staff act on the client's data, for a purpose and a time.",
  })
  @Leaves('INSTRUCTION_GIVEN')
  async giveInstruction(
    @Arg('input', () => GiveInstructionInput) input: GiveInstructionInput,
    @Ctx() context: RequestContext,
  ): Promise<ClientInstructionPayload> {
    return { instruction: await this.records.instruct(actorOf(context), input) };
  }

  @Mutation(() => ClientInstructionPayload, { description: 'Withdraws an instruction; the next request feels it.' })
  @Leaves('INSTRUCTION_WITHDRAWN')
  async withdrawInstruction(
    @Arg('input', () => WithdrawInput) input: WithdrawInput,
    @Ctx() context: RequestContext,
  ): Promise<ClientInstructionPayload> {
    const instruction = await this.records.withdraw(ClientInstruction, actorOf(context), input.id, input.reason);
    return { instruction: instruction as ClientInstruction };
  }
}

function actorOf(context: RequestContext, ...others: Role[]): Actor {
  requireRole(context, ...administration, ...others);
  return { client: requireClient(context).id, principal: context.claims.subject };
}
