import type { DocumentNode, OperationTypeNode } from 'graphql';
import type { Access } from './access';
import { CompiledOperation } from './compiled-operation';
import { type Cost, costOf, type DefaultLengths, enforceCost } from './cost';
import { Decided, type Governing } from './decided-operation';
import { type Decision, decide, decisionId, purposeOf } from './decision';
import { weightOfDecision } from './document-weight';
import { badUserInput } from './errors';
import type { ExecutableDocument } from './executable-document';
import { type Explanation, explainDecision } from './explain';
import type { DecideArguments, GovernedResult, PlannedOperation } from './governed';
import { LeastRecentlyUsed } from './least-recently-used';
import type { Limits } from './limits';
import { type OperationPlan, planOperation } from './operation-plan';
import { operationTitle } from './operation-title';
import { coerceVariables } from './variables';

/** Bytes of decisions that are kept per plan. Their number depends on the callers' tokens. */
const MOST_DECISION_BYTES = 1024 * 1024;

/** What planning needs: the parts that all operations of one schema share. */
export interface Planning extends Governing {
  readonly limits: Limits;
  readonly lengths: DefaultLengths;
}

/** An operation with what is kept of it between requests. */
export class Planned implements PlannedOperation {
  readonly document: DocumentNode;
  readonly kind: OperationTypeNode;
  readonly title: string | undefined;
  readonly #planning: Planning;
  readonly #plan: OperationPlan;
  readonly #compiled: CompiledOperation;
  readonly #cost: Cost | undefined;
  readonly #decisions: LeastRecentlyUsed<string, Decision>;
  /** By id, so that a caller's access keeps no decision alive. */
  readonly #byBasis = new WeakMap<object, { purpose: string | undefined; id: string }>();

  /** @throws {GraphQLError} if the document has no such operation */
  constructor(planning: Planning, document: ExecutableDocument, operationName: string | null | undefined) {
    const { policy, lengths } = planning;
    this.#planning = planning;
    this.#plan = planOperation(policy, document, operationName);
    this.#compiled = new CompiledOperation(policy, this.#plan);
    const weight = weightOfDecision(this.#plan.reach.length);
    this.#decisions = new LeastRecentlyUsed(MOST_DECISION_BYTES, () => weight);
    document.kept.push(this.#decisions);
    this.#cost = costOf(document, this.#plan.operation, lengths);
    this.document = document.node;
    this.kind = this.#plan.operation.operation;
    this.title = operationTitle(policy.schema, document, operationName);
  }

  decide(args: DecideArguments): Decided | GovernedResult {
    return this.#planning.failures.attempt(() => this.#prepare(args));
  }

  /**
   * What the access would get of each coordinate that the operation can reach.
   * @throws {GraphQLError} BAD_USER_INPUT if the caller states two purposes
   */
  explain(access: Access): Explanation[] {
    const stated = purposeOf(this.#plan, access);
    const decision = this.#decide(accessFor(stated, access), stated);
    return explainDecision(this.#planning.policy, this.#plan, decision);
  }

  #prepare({ access: given, variableValues }: DecideArguments): Decided | GovernedResult {
    const { policy, limits } = this.#planning;
    const plan = this.#plan;
    const coerced = coerceVariables(policy.schema, plan.operation.variableDefinitions ?? [], variableValues ?? {});
    if ('errors' in coerced) return { errors: coerced.errors };
    const variables = coerced.values;
    const unset = plan.conditions.find((name) => typeof variables[name] !== 'boolean');
    if (unset !== undefined) {
      return { errors: [badUserInput(`Variable "$${unset}" must not be null where @skip or @include depends on it.`)] };
    }
    const cost = this.#cost?.(variables) ?? 1;
    enforceCost(cost, limits.cost);
    const stated = purposeOf(plan, given);
    const access = accessFor(stated, given);
    const request = { plan, compiled: this.#compiled, access, variables, variableValues, cost };
    return new Decided(this.#planning, this.#decide(access, stated), request);
  }

  /**
   * Decides once for all accesses with the same rights.
   * @param stated the purpose that applies, as {@link purposeOf} gives it
   */
  #decide(access: Access, stated: string | undefined): Decision {
    const { policy } = this.#planning;
    const { basis } = access;
    const known = basis && this.#byBasis.get(basis);
    const isKnown = known && known.purpose === stated;
    const id = isKnown ? known.id : decisionId(policy, this.#plan, access, stated);
    if (basis && !isKnown) this.#byBasis.set(basis, { purpose: stated, id });
    return this.#decisions.get(id) ?? this.#decisions.set(id, decide(policy, this.#plan, access, stated));
  }
}

/** The caller's access for the purpose that applies. It may differ if only the document states the purpose. */
function accessFor(stated: string | undefined, access: Access): Access {
  if (stated === undefined || access.purpose || !access.forPurpose) return access;
  return access.forPurpose(stated);
}
