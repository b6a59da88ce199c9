import type { Access } from '../governance/govern';
import type { RequestContext } from '../identity/request-context';

/** A context that notices whether an execution looks at who asks, and not only at what they are and may do. */
export interface Watched {
  readonly context: RequestContext;
  isPersonal(): boolean;
}

/**
 * Watches what an execution reads of its context. An answer that was made without looking at the principal is the same
 * for all who have the same rights.
 */
export function watched(context: RequestContext): Watched {
  let isPersonal = false;
  const noticing = <T extends object>(object: T, name: keyof T): T =>
    Object.defineProperty({ ...object }, name, {
      enumerable: true,
      get: () => {
        isPersonal = true;
        return object[name];
      },
    });
  const watch = (access: Access): Access =>
    noticing({ ...access, forPurpose: access.forPurpose && accessFor }, 'principal');
  const accessFor = (purpose: string | undefined): Access => watch(context.accessFor(purpose));
  return {
    context: { ...context, claims: noticing(context.claims, 'subject'), access: watch(context.access), accessFor },
    isPersonal: () => isPersonal,
  };
}
