import { Extensions, type MiddlewareFn, UseMiddleware } from 'type-graphql';
import { watchingEntries } from './change-recorder';

/** What a mutation says of the entry that it leaves in the ledger; among its field's extensions. */
export interface EntryDeclaration {
  readonly entries: readonly string[];
  /** Why it leaves none. */
  readonly because?: string;
}

/** Under which name a field's extensions hold it. */
export const ENTRY_DECLARATION = 'remitEntries';

/**
 * A mutation that changes governance: it leaves an entry of one of these kinds whenever it succeeds, and fails where it
 * left none.
 */
export function Leaves(...kinds: readonly [string, ...string[]]): MethodDecorator {
  const watched: MiddlewareFn = async ({ info }, next) => {
    const { result, kinds: left } = await watchingEntries(next);
    if (kinds.some((kind) => left.has(kind))) return result;
    throw new Error(`${info.fieldName} left no entry of ${kinds.join(', ')} in the ledger`);
  };
  const declaration: EntryDeclaration = { entries: kinds };
  return (target, property, descriptor) => {
    Extensions({ [ENTRY_DECLARATION]: declaration })(target, property, descriptor);
    UseMiddleware(watched)(target, property, descriptor);
  };
}

/** A mutation that changes no governance, and why: what it read and wrote is in the entry of its operation. */
export function ChangesNoGovernance(because: string): MethodDecorator {
  const declaration: EntryDeclaration = { entries: [], because };
  return Extensions({ [ENTRY_DECLARATION]: declaration });
}
