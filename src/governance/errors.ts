import { GraphQLError } from 'graphql';

/**
 * Every code the governance core answers with, the message a caller reads, and the article or section that stands
 * behind it where no directive does. Order is the order of a decision (docs/design.md).
 */
const refusals = {
  UNAUTHENTICATED: {
    message: 'Personal data is given to authenticated callers only: send a bearer token.',
    rule: 'GDPR Art. 32(1)(b)',
  },
  SCOPE_REQUIRED: { message: 'The token lacks a scope that this field requires.', rule: '@requiresScopes' },
  PURPOSE_REQUIRED: {
    message:
      'Personal data is read for a stated purpose only: send the header "processing-purpose" or @purpose(is: …) on the operation.',
    rule: 'GDPR Art. 5(1)(b)',
  },
  PURPOSE_NOT_GRANTED: {
    message: 'The stated purpose is not granted to the caller by its token and a grant or instruction in force.',
    rule: 'GDPR Art. 28(3)(a)',
  },
  PURPOSE_NOT_PERMITTED: { message: 'The stated purpose may not read this field.', rule: '@purposes' },
  AGREEMENT_REQUIRED: { message: 'An agreement that this field requires is not in force.', rule: '@requiresAgreement' },
  PROCESSING_RESTRICTED: {
    message: "The person's processing is restricted, objected to or under erasure.",
    rule: 'GDPR Art. 18(2), Art. 21(1), Art. 17(1)',
  },
  TRANSFER_NOT_AUTHORIZED: {
    message: "No lawful basis carries this data from the person's residency to the caller's country.",
    rule: 'GDPR Art. 44',
  },
} as const satisfies Record<string, { message: string; rule: string }>;

export type RefusalCode = keyof typeof refusals;

/** What decided, and what it is called: the caller reads both. */
export interface Refusal {
  readonly code: string;
  readonly rule: string;
}

/** Why a field is withheld of which nothing was decided: no plan reaches it. */
export const unreached: Refusal = { code: 'PURPOSE_NOT_PERMITTED', rule: 'no plan reaches this field' };

/** What the core refuses by its own rule. */
export const refusalOf = (code: RefusalCode): Refusal => ({ code, rule: ruleOf(code) });

/** The message for a code; one from a row rule that is not in the catalogue gets the general sentence. */
export function messageOf(code: string): string {
  return Object.hasOwn(refusals, code) ? refusals[code as RefusalCode].message : 'This field is withheld.';
}

/** The rule that stands behind a code where the one that refused names none of its own. */
export function ruleOf(code: string): string {
  return Object.hasOwn(refusals, code) ? refusals[code as RefusalCode].rule : 'row rule';
}

/** A request that cannot be understood; the message never repeats the value that was sent. */
export function badUserInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

/** What callers are told of a failure that is none of their making. */
export const internalError = (path?: GraphQLError['path']): GraphQLError =>
  new GraphQLError('Internal server error', { path, extensions: { code: 'INTERNAL_SERVER_ERROR' } });

/** The schema's governance is not sound: thrown at start-up with every fault, each naming its coordinate and the remedy. */
export class SchemaPolicyError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The schema's governance is not sound:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'SchemaPolicyError';
  }
}
