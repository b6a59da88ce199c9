import { GraphQLError } from 'graphql';

/**
 * Every code the core answers with, its message, and the article of law or directive behind it. The order is that of a
 * decision (docs/decisions.md).
 */
const refusals = {
  UNAUTHENTICATED: {
    message: 'Personal data is given to authenticated callers only: send a bearer token.',
    rule: 'GDPR Art. 32(1)(b)',
  },
  SCOPE_REQUIRED: { message: 'The token lacks a scope that this field requires.', rule: '@requiresScopes' },
  PURPOSE_REQUIRED: {
    message:
      'Personal data is read for a stated purpose only: ' +
      'send the header "processing-purpose" or @purpose(is: …) on the operation.',
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

/** A code and the rule behind it, as the caller reads them. */
export interface Refusal {
  readonly code: string;
  readonly rule: string;
}

/** Why a field is withheld if nothing was decided about it. */
export const unreached: Refusal = { code: 'PURPOSE_NOT_PERMITTED', rule: 'no plan reaches this field' };

/** A refusal with the code's own rule. */
export const refusalOf = (code: RefusalCode): Refusal => ({ code, rule: ruleOf(code) });

/** The message for a code. A row rule's own code gets a general sentence. */
export function messageOf(code: string): string {
  return Object.hasOwn(refusals, code) ? refusals[code as RefusalCode].message : 'This field is withheld.';
}

/** The rule behind a code, if the refusal names none. */
export function ruleOf(code: string): string {
  return Object.hasOwn(refusals, code) ? refusals[code as RefusalCode].rule : 'row rule';
}

/** The error for a wrong request. Its message must not repeat what was sent. */
export function badUserInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

/** What callers are told of an internal failure. */
export const internalError = (path?: GraphQLError['path']): GraphQLError =>
  new GraphQLError('Internal server error', { path, extensions: { code: 'INTERNAL_SERVER_ERROR' } });

/** The schema's directives are not sound. Lists every fault, each with its coordinate and the remedy. */
export class SchemaPolicyError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The schema's governance is not sound:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'SchemaPolicyError';
  }
}
