import type { GraphQLSchema } from 'graphql';
import type { Access } from './access';
import { CompiledOperation } from './compiled-operation';
import { type Cost, costOf, type DefaultLengths } from './cost';
import { type Decision, decide, decisionKey, purposeOf } from './decision';
import type { ExecutableDocument } from './executable-document';
import { LeastRecentlyUsed } from './least-recently-used';
import { type OperationPlan, planOperation } from './operation-plan';
import { operationTitle } from './operation-title';
import type { SchemaPolicy } from './schema-policy';

/** Decisions kept per plan; how many there can be is up to the tokens that its callers bring. */
const MOST_DECISIONS = 16;

/** A planned operation with what is kept of it between requests. */
export class PlannedOperation {
  readonly plan: OperationPlan;
  readonly compiled: CompiledOperation;
  readonly title: string | undefined;
  readonly cost: Cost | undefined;
  readonly #policy: SchemaPolicy;
  readonly #decisions = new LeastRecentlyUsed<string, Decision>(MOST_DECISIONS);
  readonly #byBasis = new WeakMap<object, { purpose: string | undefined; decision: Decision }>();

  /** @throws {GraphQLError} where the document has no such operation */
  constructor(
    policy: SchemaPolicy,
    document: ExecutableDocument,
    operationName: string | null | undefined,
    lengths: DefaultLengths,
  ) {
    const { schema }: { schema: GraphQLSchema } = policy;
    this.#policy = policy;
    this.plan = planOperation(policy, document, operationName);
    this.compiled = new CompiledOperation(schema, this.plan);
    this.title = operationTitle(schema, document, operationName);
    this.cost = costOf(document, this.plan.operation, lengths);
  }

  /** The caller's access for the purpose that applies, wherever it was stated. */
  accessFor(access: Access): Access {
    if (this.plan.purpose === undefined || access.purpose || !access.forPurpose) return access;
    return access.forPurpose(this.plan.purpose);
  }

  /**
   * What the operation may read, decided once for all accesses that are alike.
   * @throws {GraphQLError} BAD_USER_INPUT where the caller states two purposes
   */
  decide(access: Access): Decision {
    const { basis, purpose } = access;
    const known = basis && this.#byBasis.get(basis);
    if (known && known.purpose === purpose) return known.decision;
    const key = decisionKey(this.#policy, access, purposeOf(this.plan, access));
    const decision = this.#decisions.get(key) ?? this.#decisions.set(key, decide(this.#policy, this.plan, access));
    if (basis) this.#byBasis.set(basis, { purpose, decision });
    return decision;
  }
}
