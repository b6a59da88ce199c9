import { GraphQLError } from 'graphql';
import { togetherOf, type WriteOutcome } from '../storage/write-outcome';
import type { GovernedRequest } from './governed-request';

/** What became of a write, in words. */
const sayings: Readonly<Record<WriteOutcome, string>> = {
  NOT_DONE: 'Nothing was changed.',
  DONE: 'The change was made; only its answer is missing.',
  PARTLY: 'Only a part of the change was made.',
  UNKNOWN: 'Whether the change was made is unknown: look before you send it again.',
};

/** An error that says what became of the write: in `extensions.write`, and in its message. */
export function sayingOutcome(message: string, extensions: GraphQLError['extensions'], write: WriteOutcome) {
  return new GraphQLError(`${message} ${sayings[write]}`, { extensions: { ...extensions, write } });
}

/**
 * What became of a mutation's writes together; undefined for an operation that is no mutation. Until its idempotency
 * key is looked up, an earlier request may have done it.
 */
export function writeOf(request: GovernedRequest): WriteOutcome | undefined {
  const { plan, decided, context } = request;
  if (!plan || !('decide' in plan) || plan.kind !== 'mutation') return undefined;
  const before = undone(request);
  if (!decided || before === 'UNKNOWN') return before;
  return togetherOf(context?.notes.writes ?? []);
}

/** The same while it may still run; also for an operation that was not looked at yet, which then never runs. */
export function writeSoFar(request: GovernedRequest): WriteOutcome | undefined {
  if (!request.decided) return request.plan ? writeOf(request) : undone(request);
  return writeOf(request) && 'UNKNOWN';
}

/** What is known of a mutation of which this request has done nothing. */
const undone = ({ idempotencyKey, isKeyOpen = false }: GovernedRequest): WriteOutcome =>
  idempotencyKey !== undefined && !isKeyOpen ? 'UNKNOWN' : 'NOT_DONE';
