import { createHash } from 'node:crypto';
import type { Access } from './access';
import { type Deidentification, methods } from './deidentification/methods';
import { badUserInput, type Refusal, refusalOf, ruleOf, unreached } from './errors';
import type { OperationPlan } from './operation-plan';
import type { Coordinate, SchemaPolicy } from './schema-policy';

export type Outcome = 'CLEAR' | 'DEIDENTIFIED' | 'WITHHELD';

/** What was decided about one coordinate. */
export interface Verdict {
  readonly outcome: Outcome;
  /** Why it is withheld. */
  readonly code: string | undefined;
  /** What decided: a directive, an agreement's clause, an article of law. */
  readonly rule: string;
  readonly method: Deidentification | undefined;
  /** For a field that leads to rows: the categories that may be read of them. A row that withholds all withholds it. */
  readonly categories?: ReadonlyArray<string | undefined>;
}

/** Everything about one operation of one caller that does not depend on rows (docs/decisions.md). */
export interface Decision {
  readonly id: string;
  readonly purpose: string | undefined;
  readonly policyVersion: string;
  /** Set if the whole operation is refused. */
  readonly refusal: Refusal | undefined;
  /** By coordinate index. What the plan does not reach has none, and is withheld. */
  readonly verdicts: ReadonlyArray<Verdict | undefined>;
  /** Coordinates that may be read more than once of one row, see {@link OperationPlan.recurring}. */
  readonly recurring: ReadonlySet<number>;
  /** The selected fields of an object type, without those that are withheld: only these need to be fetched. */
  readable(type: string): ReadonlySet<string>;
}

/** Why a verdict withholds its field. */
export const reasonOf = (verdict: Verdict | undefined): Refusal =>
  verdict === undefined ? unreached : { code: verdict.code ?? unreached.code, rule: verdict.rule };

/**
 * The purpose that applies: the header's, the document's, or both if they agree.
 * @throws {GraphQLError} BAD_USER_INPUT where they differ
 */
export function purposeOf(plan: OperationPlan, access: Access): string | undefined {
  const header = access.purpose || undefined;
  if (header !== undefined && plan.purpose !== undefined && header !== plan.purpose) {
    throw badUserInput('The header "processing-purpose" and @purpose on the operation differ; state one purpose.');
  }
  return header ?? plan.purpose;
}

/**
 * Decides what an operation may read.
 * @param stated the purpose that applies, as {@link purposeOf} gives it
 */
export function decide(
  policy: SchemaPolicy,
  plan: OperationPlan,
  access: Access,
  stated: string | undefined,
): Decision {
  const purpose = stated !== undefined && policy.purposes.has(stated) ? stated : undefined;
  const refusal = refuse(policy, plan, access, stated);
  const judged: Array<Verdict | undefined> = [];
  // Recursive, so that sources are judged before the fields derived from them, in whatever order the schema has them.
  const judge = (index: number): Verdict => {
    const known = judged[index];
    if (known) return known;
    const coordinate = policy.coordinates[index];
    if (!coordinate) throw new Error(`no coordinate ${index}`);
    const verdict = judgeCoordinate(policy, coordinate, purpose, access, refusal, judge);
    judged[index] = verdict;
    return verdict;
  };
  // Other fields may be judged too, to decide whether rows may be listed. They are not in the plan, so not given.
  const verdicts: Array<Verdict | undefined> = [];
  for (const index of plan.reach) verdicts[index] = judge(index);
  return {
    id: decisionId(policy, plan, access, stated),
    purpose,
    policyVersion: versionOf(policy, access),
    refusal,
    verdicts,
    recurring: plan.recurring,
    readable: readableFields(policy, plan, verdicts),
  };
}

/** Refuses governed fields to unauthenticated callers, without a purpose, or for a purpose that is not granted. */
function refuse(
  policy: SchemaPolicy,
  plan: OperationPlan,
  access: Access,
  stated: string | undefined,
): Refusal | undefined {
  if (!plan.reach.some((index) => policy.coordinates[index]?.governed)) return undefined;
  if (!access.principal) return refusalOf('UNAUTHENTICATED');
  if (stated === undefined) return refusalOf('PURPOSE_REQUIRED');
  if (!policy.purposes.has(stated) || !access.grantedPurposes.includes(stated)) return refusalOf('PURPOSE_NOT_GRANTED');
  return undefined;
}

const withheld = (code: string, rule: string): Verdict => ({ outcome: 'WITHHELD', code, rule, method: undefined });

function judgeCoordinate(
  policy: SchemaPolicy,
  coordinate: Coordinate,
  purpose: string | undefined,
  access: Access,
  refused: Refusal | undefined,
  judge: (index: number) => Verdict,
): Verdict {
  const { rule, name } = coordinate;
  if (!access.principal) return withheld('UNAUTHENTICATED', ruleOf('UNAUTHENTICATED'));
  const missing = rule.scopes.find((alternatives) => !holds(alternatives, access.scopes ?? []));
  if (missing) return withheld('SCOPE_REQUIRED', `@requiresScopes(scopes: ${JSON.stringify(missing)}) on ${name}`);
  if (!coordinate.governed) return { outcome: 'CLEAR', code: undefined, rule: '@requiresScopes', method: undefined };
  if (refused) return withheld(refused.code, refused.rule);
  if (purpose === undefined) return withheld('PURPOSE_REQUIRED', ruleOf('PURPOSE_REQUIRED'));

  const prohibition = access.prohibitions?.find(({ category }) => category === rule.category);
  if (prohibition) return withheld(prohibition.code, prohibition.rule);
  const method = rule.deidentify.get(purpose);
  const allowed = rule.allow === undefined || rule.allow.has(purpose);
  if (method === undefined && !allowed) {
    return withheld('PURPOSE_NOT_PERMITTED', `@purposes(allow: [${[...(rule.allow ?? [])].join(', ')}]) on ${name}`);
  }
  const agreement = rule.agreements.find((kind) => !access.agreements?.includes(kind));
  if (agreement) return withheld('AGREEMENT_REQUIRED', `@requiresAgreement(kind: ${agreement}) on ${name}`);

  const sources = coordinate.sources.map(judge);
  const barred = sources.find(({ outcome }) => outcome === 'WITHHELD');
  if (barred) return barred;
  const blurred = sources.find(({ outcome }) => outcome === 'DEIDENTIFIED');
  if (blurred && method === undefined) return withheld('PURPOSE_NOT_PERMITTED', blurred.rule);
  const rows = coordinate.evidence.length > 0 ? judgeRows(policy, coordinate, judge) : undefined;
  if (rows?.outcome === 'WITHHELD') return rows;
  if (method !== undefined) {
    return {
      outcome: 'DEIDENTIFIED',
      code: undefined,
      rule: `@deidentify(for: [${purpose}], by: ${method}) on ${name}`,
      method,
    };
  }
  if (rows && rule.allow === undefined) return rows;
  const decidedBy = rule.allow ? `@purposes(allow: [${[...rule.allow].join(', ')}])` : '@derivedFrom';
  return { outcome: 'CLEAR', code: undefined, rule: `${decidedBy} on ${name}`, method: undefined };
}

/** Rows may be listed if any of their fields may be read. A stand-in for a withheld non-null field does not count. */
function judgeRows(policy: SchemaPolicy, { evidence, name }: Coordinate, judge: (index: number) => Verdict): Verdict {
  const categories = new Set<string | undefined>();
  let barred: Verdict | undefined;
  for (const index of evidence) {
    const verdict = judge(index);
    const field = policy.coordinates[index];
    const isForm = verdict.method !== undefined && (field?.nonNull || methods[verdict.method].empty);
    if (verdict.outcome !== 'WITHHELD' && !isForm) categories.add(field?.rule.category);
    else if (barred?.outcome !== 'WITHHELD') barred = verdict;
  }
  if (categories.size === 0) return withheld(barred?.code ?? unreached.code, barred?.rule ?? '@personalRows');
  const rule = `@personalRows on ${name}`;
  return { outcome: 'CLEAR', code: undefined, rule, method: undefined, categories: [...categories] };
}

function holds(alternatives: ReadonlyArray<readonly string[]>, scopes: readonly string[]): boolean {
  return alternatives.some((all) => all.every((scope) => scopes.includes(scope)));
}

const versionOf = (policy: SchemaPolicy, access: Access): string =>
  access.policyVersion === undefined ? policy.version : `${policy.version}.${access.policyVersion}`;

function readableFields(
  policy: SchemaPolicy,
  plan: OperationPlan,
  verdicts: ReadonlyArray<Verdict | undefined>,
): (type: string) => ReadonlySet<string> {
  const cache = new Map<string, ReadonlySet<string>>();
  return (type) => {
    const known = cache.get(type);
    if (known) return known;
    const fields = new Set<string>();
    for (const field of plan.selected.get(type) ?? []) {
      const coordinate = policy.coordinate(type, field);
      const verdict = coordinate && verdicts[coordinate.index];
      if (!coordinate || coordinate.nonNull || (verdict && verdict.outcome !== 'WITHHELD')) fields.add(field);
    }
    cache.set(type, fields);
    return fields;
  };
}

/** Names a decision by all facts that could change it. */
export function decisionId(
  policy: SchemaPolicy,
  plan: OperationPlan,
  access: Access,
  stated: string | undefined,
): string {
  const facts = [
    Boolean(access.principal),
    stated,
    stated !== undefined && access.grantedPurposes.includes(stated),
    access.scopes,
    access.agreements,
    access.prohibitions,
    versionOf(policy, access),
  ];
  return createHash('sha256')
    .update(JSON.stringify(facts))
    .update(plan.reach.join())
    .update(plan.operation.name?.value ?? '')
    .digest('base64url')
    .slice(0, 22);
}
