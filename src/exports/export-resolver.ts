import { Arg, Ctx, Field, FieldResolver, ID, Mutation, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { overseen } from '../erasure/requests/erasure-request-resolver';
import { ErasureRequest } from '../erasure/requests/erasure-request-types';
import { sideOf } from '../identity/caller';
import { Leaves } from '../identity/entry-declarations';
import { type RequestContext, requireRole } from '../identity/request-context';
import { administration, platform } from '../identity/roles';
import { requireInstructed, requireTokensClient } from '../register/instructed';
import { Proposal } from '../register/proposal';
import type { Proposals } from '../register/proposals';
import type { Row } from '../tenancy/tenant-reader';
import type { ExportState } from './export-state';
import { ClientExport, RequestClientExportInput } from './export-types';
import type { Exports } from './exports';

@ObjectType({ simpleResolvers: true })
class ClientExportPayload {
  @Field(() => ClientExport, { nullable: true })
  export: ClientExport | null;

  @Field(() => Proposal, { nullable: true, description: 'What another person of the platform has to confirm.' })
  proposal: Proposal | null;
}

/** Exports of a client: requests and their progress. The content is downloaded over HTTP. */
@Resolver()
export class ExportResolver {
  constructor(
    private readonly exports: Exports,
    private readonly proposals: Proposals,
  ) {}

  @Query(() => ClientExport, { nullable: true, description: 'One export; null where there is none of this id.' })
  async clientExport(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<ClientExport | null> {
    const state = await this.exports.find(overseen(context), id);
    return state ? exportOf(state) : null;
  }

  @Mutation(() => ClientExportPayload, {
    description:
      'Makes an export of everything of the client, for its administrators to download. By the client itself; the ' +
      'platform proposes it, on an instruction of the client that names the act, and another person confirms it.',
  })
  @Leaves('EXPORT_REQUESTED', 'PROPOSED')
  async requestClientExport(
    @Arg('input', () => RequestClientExportInput) input: RequestClientExportInput,
    @Ctx() context: RequestContext,
  ): Promise<ClientExportPayload> {
    requireRole(context, ...administration, ...platform);
    const client = requireTokensClient(context, input.clientId);
    const { subject: principal, roles } = context.claims;
    if (sideOf(roles) === 'CLIENT') {
      const state = await this.exports.request(client.id, { principal, role: roles[0] ?? '' });
      return { export: exportOf(state), proposal: null };
    }
    requireInstructed(context, 'EXPORT_CLIENT');
    return { export: null, proposal: await this.proposals.propose('EXPORT_CLIENT', client.id, {}, principal) };
  }
}

/** The export that the end of a client waits for. */
@Resolver(() => ErasureRequest)
export class TerminationExportResolver {
  constructor(private readonly exports: Exports) {}

  @FieldResolver(() => ClientExport, {
    nullable: true,
    description: 'Of a client’s end that was to be preceded by an export.',
  })
  async export(@Root() request: Row): Promise<ClientExport | null> {
    if (request.kind !== 'CLIENT') return null;
    const state = await this.exports.ofTermination(String(request.clientId), String(request.id));
    return state ? exportOf(state) : null;
  }
}

function exportOf(state: ExportState): ClientExport {
  const at = (time: number | null) => (time === null ? null : new Date(time));
  return {
    id: state.id,
    status: state.status,
    reason: state.reason,
    requestedAt: new Date(state.requestedAt),
    readyAt: at(state.readyAt),
    collectBy: at(state.collectBy),
    collectedAt: at(state.collectedAt),
    bytes: state.bytes,
    rows: state.lines,
  };
}
