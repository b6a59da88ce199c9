import { GraphQLError } from 'graphql';
import { Arg, Ctx, Directive, Field, ObjectType, Query, Resolver } from 'type-graphql';
import type { Access, Explanation } from '../governance/govern';
import type { Deidentification, ProcessingPurpose } from '../governance/vocabulary';
import type { TokenClaims } from '../identity/caller';
import { DeidentificationEnum, OutcomeEnum, ProcessingPurposeEnum } from '../identity/enums';
import { denied, type RequestContext } from '../identity/request-context';
import { type ExplainedField, TransferExplanation } from '../transfers/explained-transfers';

@ObjectType({ description: 'What one field would give the caller, and what decides it.', simpleResolvers: true })
class AccessExplanation {
  @Field(() => String, { description: '`Type.field`' })
  coordinate: string;

  @Field(() => OutcomeEnum)
  outcome: Explanation['outcome'];

  @Field(() => String, { nullable: true, description: 'Why it is withheld.' })
  code: string | null;

  @Field(() => String, { description: "A directive, an agreement's clause, an article of law." })
  rule: string;

  @Field(() => DeidentificationEnum, { nullable: true })
  method: Deidentification | null;

  @Field(() => [TransferExplanation], {
    nullable: true,
    description:
      "For each country that the client's people have; null to whoever may not read where they live, for the purpose.",
  })
  transfers: TransferExplanation[] | null;
}

/** Explains an operation under an access, by the contract that serves the caller. */
export type Explain = (
  claims: TokenClaims,
  operation: { document: string; operationName: string | undefined; access: Access },
) => Array<Explanation & ExplainedField>;

/** Explains which fields cross a border to the caller. */
export type ExplainTransfers = (
  context: RequestContext,
  purpose: string | undefined,
) => Promise<(field: ExplainedField) => TransferExplanation[] | null>;

@Resolver()
export class ExplainResolver {
  /**
   * Requests that have had their one explanation. Each explanation validates a document, and aliases would multiply
   * that.
   */
  readonly #explained = new WeakSet<RequestContext>();

  constructor(
    private readonly explain: Explain,
    private readonly transfers: ExplainTransfers,
  ) {}

  @Query(() => [AccessExplanation], {
    description:
      'What an operation would give the caller for a purpose, field by field, without running it. ' +
      'Rows may withhold more. ' +
      'One explanation an operation.',
  })
  async explainAccess(
    @Arg('operation', () => String) document: string,
    @Ctx() context: RequestContext,
    @Directive('@nonPersonal(because: "which operation of a document")')
    @Arg('operationName', () => String, { nullable: true })
    operationName?: string,
    @Arg('purpose', () => ProcessingPurposeEnum, { nullable: true }) purpose?: ProcessingPurpose,
  ): Promise<AccessExplanation[]> {
    if (context.claims.subject === '') throw denied.unauthenticated();
    if (this.#explained.has(context)) throw denied.input('Ask for one explanation in each operation.');
    this.#explained.add(context);
    try {
      const access = context.accessFor(purpose);
      const fields = this.explain(context.claims, { document, operationName, access });
      const transfersOf = await this.transfers(context, purpose);
      return fields.map((field) => ({ ...field, transfers: transfersOf(field) }));
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      throw new GraphQLError(`The operation to explain is not valid: ${error.message}`, {
        extensions: { code: 'BAD_USER_INPUT' },
      });
    }
  }
}
