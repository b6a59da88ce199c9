import type { Decision, Outcome } from './decision';
import type { Deidentification } from './deidentification/methods';
import type { OperationPlan } from './operation-plan';
import type { SchemaPolicy } from './schema-policy';

/** What a caller would be given of one coordinate, and what decides it. */
export interface Explanation {
  readonly coordinate: string;
  readonly outcome: Outcome;
  readonly code: string | null;
  readonly rule: string;
  readonly method: Deidentification | null;
}

/** Explains a decision coordinate by coordinate, in the schema's order. Rows may withhold more. */
export function explainDecision(policy: SchemaPolicy, plan: OperationPlan, decision: Decision): Explanation[] {
  return plan.reach.flatMap((index) => {
    const coordinate = policy.coordinates[index];
    const verdict = decision.verdicts[index];
    if (!coordinate || !verdict) return [];
    return {
      coordinate: coordinate.name,
      outcome: verdict.outcome,
      code: verdict.code ?? null,
      rule: verdict.rule,
      method: verdict.method ?? null,
    };
  });
}
