import { Arg, Ctx, Directive, Field, ID, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import { type Connection, page, pageSize, positionOf } from '../api/paging';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { requireCountry } from '../identity/checks';
import { cursorsOf } from '../identity/cursors';
import { Leaves } from '../identity/entry-declarations';
import { DataCategoryEnum, ProcessingPurposeEnum } from '../identity/enums';
import { denied, type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { administration, overseers, platform, privacyOfficers } from '../identity/roles';
import type { KeyStore } from '../keys/key-store';
import type { OfficerAction } from './approval-state';
import type { StoredApproval } from './approval-store';
import { type Assessment, assess, type TransferBasis } from './assessment';
import type { TransfersModule } from './module';
import { presented } from './presented-approval';
import { windowOf } from './suspensions';
import { TransferApproval, TransferApprovalConnection } from './transfer-approval';
import { officerOf } from './transfer-approvals';
import { DecideTransferInput, RequestTransferApprovalInput, TransferRecipientInput } from './transfer-inputs';

const TransferBasisEnum = enumOf('TransferBasis', 'What carries a transfer.', {
  NO_TRANSFER: 'The data stays under the law that covers it.',
  UNRESTRICTED: 'The law that covers it has no general restriction.',
  ADEQUACY: 'An adequacy finding in force.',
  APPROVAL: 'An approval in force.',
});

@ObjectType({ simpleResolvers: true })
class TransferApprovalPayload {
  @Field(() => TransferApproval)
  approval: TransferApproval;
}

@ObjectType({ description: 'Whether a transfer is lawful at a moment, and why.', simpleResolvers: true })
class TransferAssessment implements Assessment {
  @Field(() => Boolean)
  lawful: boolean;

  @Field(() => TransferBasisEnum, { nullable: true })
  basis: TransferBasis | null;

  @Field(() => String, { nullable: true, description: 'The regime that covers the people, where one is held here.' })
  regime: string | null;

  @Field(() => String, { description: 'The article that carries it, or the one that forbids it.' })
  article: string;

  @Field(() => String, { nullable: true, description: 'Where that can be read.' })
  source: string | null;

  @Field(() => String, { nullable: true, description: 'Its IRI in the W3C Data Privacy Vocabulary.' })
  dpv: string | null;

  @Field(() => [ID], { description: 'Approvals that carry it, wholly or in part.' })
  approvals: string[];

  @Field(() => [String], { description: 'What it lacks.' })
  missing: string[];
}

/** Approvals of transfers and their assessment (statement T1, T2). */
@Resolver()
export class TransferResolver {
  constructor(
    private readonly module: TransfersModule,
    private readonly keys: KeyStore,
  ) {}

  @Query(() => TransferApprovalConnection, { description: "The client's approvals of transfers, newest first." })
  async transferApprovals(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
  ): Promise<Connection<TransferApproval>> {
    requireRole(context, ...overseers);
    const client = requireClient(context);
    const size = pageSize(first);
    const cursorKeys = await this.keys.derivedKeys(client.id, 'cursor');
    const cursors = cursorsOf(context, cursorKeys, 'Query.transferApprovals');
    const position = positionOf(after, cursors);
    const all = (await this.#presentedAll(client.id)).reverse();
    const rest = position === undefined ? all : all.filter(({ id }) => id < position);
    return page(rest.slice(0, size + 1), size, position, cursors, ({ id }) => id);
  }

  @Query(() => TransferApproval, { nullable: true })
  async transferApproval(
    @Arg('id', () => ID) id: string,
    @Ctx() context: RequestContext,
  ): Promise<TransferApproval | null> {
    requireRole(context, ...overseers);
    const found = await this.module.store.find(requireClient(context).id, id);
    return found ? this.#presented(found) : null;
  }

  @Query(() => TransferAssessment, {
    description: 'Whether a transfer is lawful, on what, and what it lacks, at any moment past or future.',
  })
  async transferAssessment(
    @Ctx() context: RequestContext,
    @Arg('from', () => String, { description: 'The country whose law covers the people.' }) from: string,
    @Arg('to', () => String) to: string,
    @Arg('recipient', () => TransferRecipientInput) recipient: TransferRecipientInput,
    @Directive('@nonPersonal(because: "categories of data, not data")')
    @Arg('categories', () => [DataCategoryEnum])
    categories: DataCategory[],
    @Arg('purposes', () => [ProcessingPurposeEnum]) purposes: ProcessingPurpose[],
    @Arg('at', () => DateTime, { nullable: true }) at?: Date,
  ): Promise<TransferAssessment> {
    requireRole(context, ...overseers);
    if (categories.length === 0 || purposes.length === 0)
      throw denied.input('"categories" and "purposes" must each name at least one.');
    const { store, recipients, suspensions, law } = this.module;
    const client = context.client?.id;
    const { reference } = await recipients.find(recipient.kind, recipient.id, client);
    const question = {
      from: requireCountry('from', from),
      to: requireCountry('to', to),
      reference,
      recipient: await recipients.asRecipient(reference, to),
      categories,
      purposes,
      at: at?.getTime() ?? Date.now(),
    };
    const approvals = client === undefined ? [] : await store.all(client);
    const found = assess(law, question, approvals, (await suspensions.list()).map(windowOf));
    return { ...found, approvals: [...found.approvals], missing: [...found.missing] };
  }

  @Mutation(() => TransferApprovalPayload, {
    description: 'Asks for a transfer to be approved; somebody else decides.',
  })
  @Leaves('TRANSFER_REQUESTED')
  async requestTransferApproval(
    @Arg('input', () => RequestTransferApprovalInput) input: RequestTransferApprovalInput,
    @Ctx() context: RequestContext,
  ): Promise<TransferApprovalPayload> {
    requireRole(context, ...administration, ...platform);
    const client = requireClient(context).id;
    const asked = await this.module.approvals.request(client, input, officerOf(context.claims));
    return { approval: await this.#presented(asked) };
  }

  @Mutation(() => TransferApprovalPayload, {
    description: "Approves a transfer: the client's privacy officer, for access by staff the platform's as well.",
  })
  @Leaves('TRANSFER_APPROVED')
  approveTransfer(
    @Arg('input', () => DecideTransferInput) input: DecideTransferInput,
    @Ctx() context: RequestContext,
  ): Promise<TransferApprovalPayload> {
    return this.#decide('APPROVED', input, context);
  }

  @Mutation(() => TransferApprovalPayload, { description: 'Refuses a transfer that was asked for.' })
  @Leaves('TRANSFER_REJECTED')
  rejectTransfer(
    @Arg('input', () => DecideTransferInput) input: DecideTransferInput,
    @Ctx() context: RequestContext,
  ): Promise<TransferApprovalPayload> {
    return this.#decide('REJECTED', input, context);
  }

  @Mutation(() => TransferApprovalPayload, {
    description: 'Stops a transfer for the time being, from the next request.',
  })
  @Leaves('TRANSFER_SUSPENDED')
  suspendTransfer(
    @Arg('input', () => DecideTransferInput) input: DecideTransferInput,
    @Ctx() context: RequestContext,
  ): Promise<TransferApprovalPayload> {
    return this.#decide('SUSPENDED', input, context);
  }

  @Mutation(() => TransferApprovalPayload, {
    description: 'Puts a suspended transfer in force again, if it still fits.',
  })
  @Leaves('TRANSFER_RESUMED')
  resumeTransfer(
    @Arg('input', () => DecideTransferInput) input: DecideTransferInput,
    @Ctx() context: RequestContext,
  ): Promise<TransferApprovalPayload> {
    return this.#decide('RESUMED', input, context);
  }

  @Mutation(() => TransferApprovalPayload, { description: 'Ends a transfer for good, from the next request.' })
  @Leaves('TRANSFER_REVOKED')
  revokeTransfer(
    @Arg('input', () => DecideTransferInput) input: DecideTransferInput,
    @Ctx() context: RequestContext,
  ): Promise<TransferApprovalPayload> {
    return this.#decide('REVOKED', input, context);
  }

  async #decide(
    action: Exclude<OfficerAction, 'REQUESTED'>,
    { id, reason }: DecideTransferInput,
    context: RequestContext,
  ): Promise<TransferApprovalPayload> {
    requireRole(context, ...privacyOfficers);
    const client = requireClient(context).id;
    const decided = await this.module.approvals.decide(client, id, action, reason, officerOf(context.claims));
    return { approval: await this.#presented(decided) };
  }

  async #presented(approval: StoredApproval): Promise<TransferApproval> {
    const suspensions = (await this.module.suspensions.list()).map(windowOf);
    return presented(this.module.law, approval, suspensions, Date.now());
  }

  async #presentedAll(client: string): Promise<TransferApproval[]> {
    const { store, suspensions, law } = this.module;
    const [approvals, suspended] = [await store.all(client), (await suspensions.list()).map(windowOf)];
    return approvals.map((approval) => presented(law, approval, suspended, Date.now()));
  }
}
