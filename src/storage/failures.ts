import {
  clientCodes,
  embeddedCodes,
  messageRules,
  type StorageFailure,
  serverCodes,
} from '../connections/failure-codes';

/** What errors of drivers, TypeORM and this product have in common, as far as they have it. */
interface Failed {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly message?: unknown;
  readonly driverError?: unknown;
  readonly cause?: unknown;
  readonly originalError?: unknown;
  /** graphql's, of what is no Error. */
  readonly thrownValue?: unknown;
  /** Of an AggregateError. */
  readonly errors?: unknown;
}

const byNumber = new Map(serverCodes.map(([number, , failure]) => [number, failure]));
const byName = new Map(serverCodes.flatMap(([, name, failure]) => (name === undefined ? [] : [[name, failure]])));

/**
 * Classifies an error by the codes of every engine (failure-codes.ts). It looks at the error, and at what caused it.
 * @returns undefined for every other error, such as a mistake in a statement
 */
export function failureOf(error: unknown): StorageFailure | undefined {
  const seen = new Set<unknown>();
  const waiting = [error];
  for (const one of waiting) {
    if (typeof one !== 'object' || one === null || seen.has(one)) continue;
    seen.add(one);
    const failed = one as Failed;
    const failure = ownFailure(failed);
    if (failure !== undefined) return failure;
    waiting.push(failed.driverError, failed.cause, failed.originalError, failed.thrownValue);
    if (Array.isArray(failed.errors)) waiting.push(...failed.errors);
  }
  return undefined;
}

function ownFailure({ code, errno, message }: Failed): StorageFailure | undefined {
  const number = typeof errno === 'number' && errno > 0 ? errno : undefined;
  const name = typeof code === 'string' ? code : undefined;
  const text = typeof message === 'string' ? message : '';
  const rule = messageRules.find(({ numbers, says }) =>
    numbers === undefined ? number === undefined && says.test(text) : numbers.includes(number ?? 0) && says.test(text),
  );
  if (rule) return rule.failure;
  if (number !== undefined && byNumber.has(number)) return byNumber.get(number);
  if (name === undefined) return undefined;
  if (name.startsWith('SQLITE_')) return embeddedCodes.find(([beginning]) => name.startsWith(beginning))?.[1];
  return byName.get(name) ?? (Object.hasOwn(clientCodes, name) ? clientCodes[name] : undefined);
}
