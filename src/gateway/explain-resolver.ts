import { GraphQLError } from 'graphql';
import { Arg, Ctx, Field, ObjectType, Query, Resolver } from 'type-graphql';
import type { Access, Explanation } from '../governance/govern';
import type { Deidentification, ProcessingPurpose } from '../governance/vocabulary';
import type { TokenClaims } from '../identity/caller';
import { DeidentificationEnum, OutcomeEnum, ProcessingPurposeEnum } from '../identity/enums';
import type { RequestContext } from '../identity/request-context';

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
}

/** Explains an operation under an access, by the contract that serves the caller. */
export type Explain = (
  claims: TokenClaims,
  operation: { document: string; operationName: string | undefined; access: Access },
) => Explanation[];

@Resolver()
export class ExplainResolver {
  constructor(private readonly explain: Explain) {}

  @Query(() => [AccessExplanation], {
    description:
      'What an operation would give the caller for a purpose, field by field, without running it. Rows may withhold more.',
  })
  explainAccess(
    @Arg('operation', () => String) document: string,
    @Ctx() context: RequestContext,
    @Arg('operationName', () => String, { nullable: true }) operationName?: string,
    @Arg('purpose', () => ProcessingPurposeEnum, { nullable: true }) purpose?: ProcessingPurpose,
  ): Explanation[] {
    try {
      return this.explain(context.claims, { document, operationName, access: context.accessFor(purpose) });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      throw new GraphQLError(`The operation to explain is not valid: ${error.message}`, {
        extensions: { code: 'BAD_USER_INPUT' },
      });
    }
  }
}
