import { Arg, Ctx, Field, FieldResolver, ID, Mutation, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { overseen } from '../erasure/erasure-resolver';
import { ErasureRequest } from '../erasure/erasure-types';
import { denied, type RequestContext, requireRole } from '../identity/request-context';
import type { Clients } from '../register/clients';
import type { Row } from '../storage/tenant-reader';
import type { ExportState } from './export-state';
import { ClientExport, RequestClientExportInput } from './export-types';
import { type Exports, exportReaders } from './exports';

@ObjectType({ simpleResolvers: true })
class ClientExportPayload {
  @Field(() => ClientExport)
  export: ClientExport;
}

const platform = ['PLATFORM_STAFF', 'PLATFORM_PRIVACY_OFFICER'] as const;

/** Exports as a client asks for them and follows them; what is in them is downloaded. */
@Resolver()
export class ExportResolver {
  constructor(
    private readonly room: Exports,
    private readonly clients: Clients,
  ) {}

  @Query(() => ClientExport, { nullable: true, description: 'One export; null where there is none of this id.' })
  async clientExport(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<ClientExport | null> {
    const state = await this.room.find(overseen(context), id);
    return state ? exportOf(state) : null;
  }

  @Mutation(() => ClientExportPayload, {
    description: 'Makes an export of everything of a client, for its administrators to download.',
  })
  async requestClientExport(
    @Arg('input', () => RequestClientExportInput) input: RequestClientExportInput,
    @Ctx() context: RequestContext,
  ): Promise<ClientExportPayload> {
    requireRole(context, ...exportReaders, ...platform);
    const client = await this.clients.find(input.clientId);
    const isPlatform = platform.some((role) => context.claims.roles.includes(role));
    if (!client || !(isPlatform || context.client?.id === client.id)) throw denied.notFound('client');
    const by = { principal: context.claims.subject, role: context.claims.roles[0] ?? '' };
    return { export: exportOf(await this.room.request(client.id, by)) };
  }
}

/** What the end of a client waits for. */
@Resolver(() => ErasureRequest)
export class TerminationExportResolver {
  constructor(private readonly room: Exports) {}

  @FieldResolver(() => ClientExport, {
    nullable: true,
    description: 'Of a client’s end that was to be preceded by an export.',
  })
  async export(@Root() request: Row): Promise<ClientExport | null> {
    if (request.kind !== 'CLIENT') return null;
    const state = await this.room.ofTermination(String(request.clientId), String(request.id));
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
