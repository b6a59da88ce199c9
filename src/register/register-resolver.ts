import { Arg, Ctx, Field, FieldResolver, Int, Mutation, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { type Connection, connectionOf, page, pageSize, positionOf } from '../api/paging';
import { cursorsOf } from '../identity/cursors';
import { Leaves } from '../identity/entry-declarations';
import { type RequestContext, requireClient, requirePrincipal, requireRole } from '../identity/request-context';
import { noteGiven } from '../identity/request-notes';
import { administration, platform, platformOfficers } from '../identity/roles';
import { about, unrestricted } from '../identity/subject-state';
import type { DerivedKeys } from '../keys/derived-keys';
import type { KeyStore } from '../keys/key-store';
import { PersonalRows } from '../tenancy/personal-data';
import { personalCategories } from '../tenancy/tenant-table';
import { Agreement, SignAgreementInput } from './agreement';
import { Client, ClientConnection, NameClientContactsInput, RegisterClientInput } from './client';
import { ClientUser } from './client-user';
import type { Clients } from './clients';
import { Installation, InstallThirdPartyApplicationInput } from './installation';
import { RegisterSubProcessorInput, SubProcessor } from './sub-processor';
import type { ThirdParties } from './third-parties';
import { RegisterThirdPartyApplicationInput, ThirdPartyApplication } from './third-party-application';

const ClientUserConnection = connectionOf(ClientUser, 'ClientUser');

@ObjectType({ simpleResolvers: true })
class ClientPayload {
  @Field(() => Client)
  client: Client;
}

@ObjectType({ simpleResolvers: true })
class AgreementPayload {
  @Field(() => Agreement)
  agreement: Agreement;
}

@ObjectType({ simpleResolvers: true })
class SubProcessorPayload {
  @Field(() => SubProcessor)
  subProcessor: SubProcessor;
}

@ObjectType({ simpleResolvers: true })
class ThirdPartyApplicationPayload {
  @Field(() => ThirdPartyApplication)
  application: ThirdPartyApplication;
}

@ObjectType({ simpleResolvers: true })
class InstallationPayload {
  @Field(() => Installation)
  installation: Installation;
}

/** Transfers rest on certifications, so those who process the data do not record their own. */
const certifiers = platformOfficers;

/** The register: clients, agreements, sub-processors, third-party applications and their installations. */
@Resolver(() => Client)
export class RegisterResolver {
  constructor(
    private readonly clients: Clients,
    private readonly parties: ThirdParties,
    private readonly keys: KeyStore,
    /** The platform's key: cursors over clients belong to no client. */
    private readonly platformCursorKeys: DerivedKeys,
  ) {}

  @Query(() => Client, { nullable: true, description: 'The client that the token is about.' })
  async client(@Ctx() context: RequestContext): Promise<Client | null> {
    return (await this.clients.find(requireClient(context).id)) ?? null;
  }

  @Query(() => ClientConnection, { name: 'clients', description: 'All clients; for the platform.' })
  async clientsPage(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
  ): Promise<Connection<Client>> {
    requireRole(context, ...platform, 'AUDITOR');
    const size = pageSize(first);
    const cursors = cursorsOf(context, this.platformCursorKeys, 'Query.clients');
    const position = positionOf(after, cursors);
    return page(await this.clients.list(size + 1, position), size, position, cursors, ({ id }) => id);
  }

  @FieldResolver(() => [Agreement], { description: 'Agreements of the client, past and future ones included.' })
  agreements(@Root() client: Client): Promise<Agreement[]> {
    return this.clients.agreements(client.id);
  }

  @PersonalRows('CLIENT_USER')
  @FieldResolver(() => ClientUserConnection, { nullable: true, description: 'Client users; for the client itself.' })
  async users(
    @Root() client: Client,
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
  ): Promise<Connection<ClientUser> | null> {
    if (context.client?.id !== client.id) return null;
    const size = pageSize(first);
    const cursors = cursorsOf(context, await this.keys.derivedKeys(client.id, 'cursor'), 'Client.users');
    const position = positionOf(after, cursors);
    const rows = await this.clients.users(
      client.id,
      context.decision?.readable('ClientUser') ?? [],
      size + 1,
      position,
    );
    const users = rows.map(
      (row) =>
        about(row, { ...unrestricted, residency: client.country, subject: String(row.id) }) as unknown as ClientUser,
    );
    const given = page(users, size, position, cursors, ({ id }) => id);
    noteGiven(context, given.nodes, personalCategories(ClientUser));
    return given;
  }

  @Query(() => [SubProcessor], { description: 'The sub-processors, public to everyone (statement S2).' })
  subProcessors(): Promise<SubProcessor[]> {
    return this.parties.subProcessors();
  }

  @Query(() => [ThirdPartyApplication], { description: 'Applications that a client may install.' })
  thirdPartyApplications(@Ctx() context: RequestContext): Promise<ThirdPartyApplication[]> {
    requirePrincipal(context);
    return this.parties.applications();
  }

  @Query(() => [Installation], { description: 'Applications that the client has installed.' })
  installations(@Ctx() context: RequestContext): Promise<Installation[]> {
    return this.parties.installations(requireClient(context).id);
  }

  @Mutation(() => ClientPayload, {
    description: 'Registers a client, with standing grants to its own people and apps.',
  })
  @Leaves('CLIENT_REGISTERED')
  async registerClient(
    @Arg('input', () => RegisterClientInput) input: RegisterClientInput,
    @Ctx() context: RequestContext,
  ): Promise<ClientPayload> {
    requireRole(context, ...platform);
    return { client: await this.clients.register(input, context.claims.subject) };
  }

  @Mutation(() => ClientPayload, {
    description: 'Says whom the record of processing names for the client (Art. 30(2)).',
  })
  @Leaves('CLIENT_CONTACTS_NAMED')
  async nameClientContacts(
    @Arg('input', () => NameClientContactsInput) input: NameClientContactsInput,
    @Ctx() context: RequestContext,
  ): Promise<ClientPayload> {
    requireRole(context, ...administration);
    const { subject } = context.claims;
    return { client: await this.clients.nameContacts(requireClient(context).id, input, subject) };
  }

  @Mutation(() => AgreementPayload, { description: 'Signs an agreement on line (statement R2, T2).' })
  @Leaves('AGREEMENT_SIGNED')
  async signAgreement(
    @Arg('input', () => SignAgreementInput) input: SignAgreementInput,
    @Ctx() context: RequestContext,
  ): Promise<AgreementPayload> {
    requireRole(context, ...administration);
    return { agreement: await this.clients.sign(requireClient(context).id, input, context.claims.subject) };
  }

  @Mutation(() => SubProcessorPayload, { description: 'Registers a sub-processor, or its new terms.' })
  @Leaves('SUB_PROCESSOR_REGISTERED')
  async registerSubProcessor(
    @Arg('input', () => RegisterSubProcessorInput) input: RegisterSubProcessorInput,
    @Ctx() context: RequestContext,
  ): Promise<SubProcessorPayload> {
    requireRole(context, ...(input.certifications ? certifiers : platform));
    return { subProcessor: await this.parties.registerSubProcessor(input, context.claims.subject) };
  }

  @Mutation(() => ThirdPartyApplicationPayload, { description: 'Registers an application, or its new terms.' })
  @Leaves('APPLICATION_REGISTERED')
  async registerThirdPartyApplication(
    @Arg('input', () => RegisterThirdPartyApplicationInput) input: RegisterThirdPartyApplicationInput,
    @Ctx() context: RequestContext,
  ): Promise<ThirdPartyApplicationPayload> {
    requireRole(context, ...(input.certifications ? certifiers : platform));
    return { application: await this.parties.registerApplication(input, context.claims.subject) };
  }

  @Mutation(() => InstallationPayload, {
    description: "Installs an application at the client; its notice's current version must be accepted.",
  })
  @Leaves('APPLICATION_INSTALLED')
  async installThirdPartyApplication(
    @Arg('input', () => InstallThirdPartyApplicationInput) input: InstallThirdPartyApplicationInput,
    @Ctx() context: RequestContext,
  ): Promise<InstallationPayload> {
    requireRole(context, ...administration);
    const installation = await this.parties.install(requireClient(context).id, input, context.claims.subject);
    return { installation };
  }
}
