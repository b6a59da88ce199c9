import { Arg, Ctx, Field, FieldResolver, ID, Int, Mutation, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import { type Connection, page, pageSize, positionOf } from '../../api/paging';
import { sideOf } from '../../identity/caller';
import { cursorsOf } from '../../identity/cursors';
import { Leaves } from '../../identity/entry-declarations';
import { denied, type RequestContext, requireClient, requireRole } from '../../identity/request-context';
import { noteGiven } from '../../identity/request-notes';
import { administration, overseers, platform } from '../../identity/roles';
import { about, unrestricted } from '../../identity/subject-state';
import type { KeyStore } from '../../keys/key-store';
import { covers } from '../../law/validity';
import { requireInstructed, requireTokensClient } from '../../register/instructed';
import type { RegisterPolicySource } from '../../register/policy-source';
import { Proposal } from '../../register/proposal';
import type { Proposals } from '../../register/proposals';
import { reachOf } from '../../subjects/reach';
import { fieldsAskedBy } from '../../subjects/withheld-matches';
import { UNDER_ERASURE } from '../../tenancy/fence';
import { PersonalRows } from '../../tenancy/personal-data';
import type { Row } from '../../tenancy/tenant-reader';
import { personalCategories } from '../../tenancy/tenant-table';
import type { ErasureModule } from '../module';
import { digestOf } from '../records/epoch-record';
import type { BulkFiling } from './bulk-filing';
import { categoriesOfEndedPurpose } from './ended-purpose';
import {
  CancelErasureInput,
  ErasureRequestFilter,
  RequestErasureInput,
  RequestErasuresInput,
  TerminateClientInput,
} from './erasure-request-inputs';
import {
  ErasureRecipient,
  ErasureRequest,
  ErasureRequestConnection,
  ErasureRetention,
  ErasureStep,
  ErasureSubject,
  KeyEpoch,
  UnfiledErasure,
} from './erasure-request-types';
import type { Filing } from './filing';
import type { ErasureRequestState } from './request-state';

@ObjectType({ simpleResolvers: true })
class ErasurePayload {
  @Field(() => ErasureRequest)
  request: ErasureRequest;
}

@ObjectType({ simpleResolvers: true })
class TerminationPayload {
  @Field(() => ErasureRequest, { nullable: true })
  request: ErasureRequest | null;

  @Field(() => Proposal, { nullable: true, description: 'What another person of the platform has to confirm.' })
  proposal: Proposal | null;
}

@ObjectType({ simpleResolvers: true })
class ErasuresPayload {
  @Field(() => Int, { description: 'How many were filed; those under erasure already are not counted.' })
  requested: number;

  @Field(() => Int, { description: 'How many were under erasure already.' })
  underErasure: number;

  @Field(() => Int, { description: 'How many ids are of no customer of the client.' })
  unknown: number;

  @Field(() => [UnfiledErasure], { description: 'Whose erasure could not be filed; file it again.' })
  failed: UnfiledErasure[];

  @Field(() => Boolean, { description: 'Whether everybody was looked at; where not, file the rest by another call.' })
  complete: boolean;
}

// Roots are typed as plain rows. Otherwise type-graphql copies them into a class and drops what is not a field.

/** Erasure requests of a client (statement D1 to D6, Q1). */
@Resolver(() => ErasureRequest)
export class ErasureRequestResolver {
  constructor(
    private readonly module: ErasureModule,
    private readonly proposals: Proposals,
    private readonly keys: KeyStore,
    private readonly policies: Pick<RegisterPolicySource, 'policy'>,
  ) {}

  @Query(() => ErasureRequest, { nullable: true, description: 'One request; null where there is none of this id.' })
  async erasureRequest(
    @Arg('id', () => ID) id: string,
    @Ctx() context: RequestContext,
  ): Promise<ErasureRequest | null> {
    const client = overseen(context);
    const state = await this.module.erasures.find(client, id);
    return state ? requestOf(state) : null;
  }

  @Query(() => ErasureRequestConnection, { description: 'Newest first.' })
  async erasureRequests(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
    @Arg('filter', () => ErasureRequestFilter, { nullable: true }) filter?: ErasureRequestFilter,
  ): Promise<Connection<ErasureRequest>> {
    const client = overseen(context);
    const size = pageSize(first);
    const cursorKeys = await this.keys.derivedKeys(client, 'cursor');
    const cursors = cursorsOf(context, cursorKeys, 'Query.erasureRequests', () => filter);
    const position = positionOf(after, cursors);
    const states = await this.module.erasures.list(client, filter ?? {}, size + 1, position);
    return page(states.map(requestOf), size, position, cursors, ({ id }) => id);
  }

  @Query(() => String, {
    description:
      'Public keys that certificates and the records of epochs are verified by: a JWK set, for `remit erasures ' +
      'verify --key`.',
  })
  async erasureCertificateKeys(): Promise<string> {
    return JSON.stringify({ keys: await this.module.signingKeys.publicKeys() });
  }

  @PersonalRows()
  @FieldResolver(() => ErasureSubject, { nullable: true, description: 'Read for LEGAL; null once it is erased.' })
  async subject(@Root() request: Row, @Ctx() context: RequestContext): Promise<ErasureSubject | null> {
    if (request.kind !== 'CUSTOMER') return null;
    const fields = context.decision?.readable('ErasureSubject') ?? [];
    const row = await this.module.erasures.subject(clientOf(request), idOf(request), fields);
    if (!row || row.customerId === null) return null;
    const subject = about(row, { subject: String(row.customerId), ...unrestricted, restriction: UNDER_ERASURE });
    noteGiven(context, [subject], personalCategories(ErasureSubject));
    return subject as unknown as ErasureSubject;
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description:
      'Since when, or by when, nothing that was ever written opens the deleted keys; null where none is deleted, or ' +
      'epochs are off.',
  })
  async finalAt(@Root() request: Row): Promise<Date | null> {
    if (request.finalAt instanceof Date) return request.finalAt;
    const number = epochOf(request);
    const at = number === null ? null : await this.module.finality.foreseen(clientOf(request), number);
    return at === null ? null : new Date(at);
  }

  @FieldResolver(() => KeyEpoch, {
    nullable: true,
    description: 'The epoch whose end makes the deletion of keys final; null where none is deleted.',
  })
  async keyEpoch(@Root() request: Row): Promise<KeyEpoch | null> {
    const number = epochOf(request);
    const epoch = number === null ? undefined : await this.module.finality.epoch(clientOf(request), number);
    if (!epoch) return null;
    return {
      number: epoch.number,
      state: epoch.state,
      begunAt: new Date(epoch.begunAt),
      endedAt: epoch.endedAt === null ? null : new Date(epoch.endedAt),
      record: epoch.record === null ? null : digestOf(epoch.record),
    };
  }

  @FieldResolver(() => [ErasureStep])
  async steps(@Root() request: Row, @Ctx() { claims }: RequestContext): Promise<ErasureStep[]> {
    const steps = await this.module.erasures.steps(clientOf(request), idOf(request));
    // Row counts are personal data: platform and auditors follow the request, not the person.
    const isTold = request.kind !== 'CUSTOMER' || sideOf(claims.roles) === 'CLIENT';
    return steps.map(({ rows, ...step }) => ({
      ...step,
      rows: isTold ? rows : null,
      categories: [...step.categories],
    }));
  }

  @FieldResolver(() => [ErasureRetention], { description: 'What a hold or a claim keeps.' })
  async retained(@Root() request: Row): Promise<ErasureRetention[]> {
    const state = await this.module.erasures.find(clientOf(request), idOf(request));
    return state ? this.module.erasures.retained(state) : [];
  }

  @FieldResolver(() => [ErasureRecipient], { description: 'Who has been told, and who has acknowledged.' })
  recipients(@Root() request: Row): Promise<ErasureRecipient[]> {
    return this.module.erasures.recipients(clientOf(request), idOf(request));
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Signed JSON (JWS, Ed25519) that says what was done and names nobody.',
  })
  certificate(@Root() request: Row): Promise<string | null> {
    return this.module.erasures.certificate(clientOf(request), idOf(request));
  }

  @Mutation(() => ErasurePayload, {
    description: 'Erases a customer for good (D2). From now on the person is read for LEGAL alone.',
  })
  @Leaves('ERASURE_REQUESTED')
  async requestErasure(
    @Arg('input', () => RequestErasureInput) input: RequestErasureInput,
    @Ctx() context: RequestContext,
  ): Promise<ErasurePayload> {
    requireRole(context, ...administration);
    const { id } = requireClient(context);
    const filing = { ...filer(context), ...(await this.#scopeOf(id, input)) };
    const notBefore = input.startsAt?.getTime() ?? null;
    return { request: requestOf(await this.module.erasures.request(id, input.customerId, { ...filing, notBefore })) };
  }

  @PersonalRows()
  @Mutation(() => ErasuresPayload, {
    nullable: true,
    description: 'Erases many customers, up to 50000 at once, and says who was left out.',
  })
  @Leaves('ERASURES_REQUESTED')
  async requestErasures(
    @Arg('input', () => RequestErasuresInput) input: RequestErasuresInput,
    @Ctx() context: RequestContext,
  ): Promise<ErasuresPayload> {
    requireRole(context, ...administration);
    const { id } = requireClient(context);
    const filing = { ...filer(context), ...(await this.#scopeOf(id, input)) };
    const { customerIds, filter } = input;
    if (customerIds && !filter) return reportOf(await this.module.erasures.requestMany(id, customerIds, filing));
    if (filter && !customerIds) {
      const found = { ...filing, foundBy: fieldsAskedBy(filter) };
      return reportOf(await this.module.erasures.requestWhere(id, filter, found));
    }
    throw denied.input('Give either "customerIds" or "filter".');
  }

  @Mutation(() => ErasurePayload, { description: 'Takes a request back, as long as nothing is destroyed.' })
  @Leaves('ERASURE_CANCELLED')
  async cancelErasure(
    @Arg('input', () => CancelErasureInput) input: CancelErasureInput,
    @Ctx() context: RequestContext,
  ): Promise<ErasurePayload> {
    requireRole(context, ...administration);
    return {
      request: requestOf(
        await this.module.erasures.cancel(
          requireClient(context).id,
          input.id,
          context.claims.subject,
          reachOf(context),
        ),
      ),
    };
  }

  @Mutation(() => TerminationPayload, {
    description:
      'Ends the client: everything of it is erased (D1, D3). By the client itself; the platform proposes it, on an ' +
      'instruction of the client that names the act, and another person confirms it.',
  })
  @Leaves('CLIENT_TERMINATED', 'PROPOSED')
  async terminateClient(
    @Arg('input', () => TerminateClientInput) input: TerminateClientInput,
    @Ctx() context: RequestContext,
  ): Promise<TerminationPayload> {
    requireRole(context, ...administration, ...platform);
    const client = requireTokensClient(context, input.clientId);
    const terms = { ...input, clientId: client.id };
    if (sideOf(context.claims.roles) === 'CLIENT') {
      return { request: requestOf(await this.module.terminations.terminate(terms, actor(context))), proposal: null };
    }
    requireInstructed(context, 'END_CLIENT');
    this.module.terminations.requireTerms(terms);
    const { principal } = actor(context);
    return { request: null, proposal: await this.proposals.propose('END_CLIENT', client.id, terms, principal) };
  }

  /** The scope of a request: the whole person, some categories, or the categories of an ended purpose. */
  async #scopeOf(
    client: string,
    { grounds, note = null, categories, endedPurpose }: RequestErasureInput | RequestErasuresInput,
  ): Promise<Pick<Filing, 'grounds' | 'note' | 'categories'>> {
    if (categories && endedPurpose) throw denied.input('Give either "categories" or "endedPurpose".');
    if (categories?.length === 0) throw denied.input('"categories" names none; leave it out to erase the person.');
    if (!endedPurpose) return { grounds, note, categories: categories ? [...new Set(categories)] : null };
    const { permissions } = await this.policies.policy(client);
    const now = this.module.now();
    const inForce = new Set(permissions.filter((one) => covers(one, now)).flatMap(({ purposes }) => purposes));
    const left = categoriesOfEndedPurpose(this.module.tables, endedPurpose, inForce);
    if (left.length > 0) return { grounds, note, categories: left };
    throw denied.input(`"endedPurpose": other purposes in force read all that is kept for ${endedPurpose}.`);
  }
}

/** Failures with their customers, which only callers see who may read the ids. */
const reportOf = ({ failed, ...counts }: BulkFiling): ErasuresPayload => ({
  ...counts,
  failed: failed.map(({ customerId, code }) => about({ customerId, code }, unrestricted)),
});

function actor({ claims }: RequestContext): { principal: string; role: string } {
  return { principal: claims.subject, role: claims.roles[0] ?? '' };
}

/** The caller, and the people whom the caller reaches. */
const filer = (context: RequestContext) => ({ ...actor(context), reach: reachOf(context) });

/** The client whose erasures the caller may read. */
export function overseen(context: RequestContext): string {
  requireRole(context, ...overseers);
  return requireClient(context).id;
}

/** A request for the API, with what its fields are resolved from: its client, and what is known of its epoch. */
export function requestOf(
  state: ErasureRequestState,
): ErasureRequest & { clientId: string; epochNumber: number | null; finalAt: Date | null } {
  return {
    clientId: state.client,
    epochNumber: state.keyEpoch,
    finalAt: state.finalAt === null ? null : new Date(state.finalAt),
    id: state.id,
    kind: state.kind,
    status: state.status,
    grounds: state.grounds,
    categories: state.categories ? [...state.categories] : null,
    requestedAt: new Date(state.requestedAt),
    startsAt: state.notBefore === null ? null : new Date(state.notBefore),
    dueAt: new Date(state.dueAt),
    keyDeletedAt: state.keyDeletedAt === null ? null : new Date(state.keyDeletedAt),
    completedAt: state.completedAt === null ? null : new Date(state.completedAt),
  };
}

const clientOf = (request: Row): string => String(request.clientId);
const idOf = (request: Row): string => String(request.id);
const epochOf = ({ epochNumber }: Row): number | null => (typeof epochNumber === 'number' ? epochNumber : null);
