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

/** What became of a mutation's writes together; undefined for an operation that is no mutation. */
export function writeOf({ plan, decided, context }: GovernedRequest): WriteOutcome | undefined {
  if (!plan || !('decide' in plan) || plan.kind !== 'mutation') return undefined;
  return decided ? togetherOf(context?.notes.writes ?? []) : 'NOT_DONE';
}

/** The same while it may still run; also for an operation that was not looked at yet, which then never runs. */
export function writeSoFar(request: GovernedRequest): WriteOutcome | undefined {
  if (!request.decided) return request.plan ? writeOf(request) : 'NOT_DONE';
  return writeOf(request) && 'UNKNOWN';
}
