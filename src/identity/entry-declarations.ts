import { Extensions, type MiddlewareFn, UseMiddleware } from 'type-graphql';
import type { AuditKind } from './audit-kinds';
import { watchingEntries } from './change-recorder';
import { tellingOutcome } from './told-outcome';

/** What a mutation declares about its ledger entry. Stored in the field's extensions. */
export interface EntryDeclaration {
  readonly entries: readonly AuditKind[];
  /** Why it leaves no entry. */
  readonly because?: string;
}

/** Its name in the field's extensions. */
export const ENTRY_DECLARATION = 'remitEntries';

/**
 * Marks a mutation that changes governance. It must leave an entry of one of these kinds; one that succeeds without it
 * fails.
 */
export function Leaves(...kinds: readonly [AuditKind, ...AuditKind[]]): MethodDecorator {
  const watched: MiddlewareFn = async ({ info }, next) => {
    const { result, kinds: left } = await watchingEntries(next);
    if (kinds.some((kind) => left.has(kind))) return result;
    throw new Error(`${info.fieldName} left no entry of ${kinds.join(', ')} in the ledger`);
  };
  const declaration: EntryDeclaration = { entries: kinds };
  return (target, property, descriptor) => {
    Extensions({ [ENTRY_DECLARATION]: declaration })(target, property, descriptor);
    UseMiddleware(tellingOutcome, watched)(target, property, descriptor);
  };
}

/** Marks a mutation that changes no governance, and says why. Its operation's entry has what it read and wrote. */
export function ChangesNoGovernance(because: string): MethodDecorator {
  const declaration: EntryDeclaration = { entries: [], because };
  return (target, property, descriptor) => {
    Extensions({ [ENTRY_DECLARATION]: declaration })(target, property, descriptor);
    UseMiddleware(tellingOutcome)(target, property, descriptor);
  };
}
