import type { TokenClaims } from '../identity/caller';
import { GatewayError } from './errors';
import type { ServerLimits } from './limits';
import { type RateBudgets, WINDOW_MS } from './rate-budgets';

const WINDOW_S = WINDOW_MS / 1_000;

/** What a budget is counted in: operations, or fields as the limit `cost` counts them. */
export type Counted = 'operations' | 'cost';

/** A budget as callers are told of it. */
interface Policy {
  readonly name: string;
  /** For one window. */
  readonly quota: number;
  /** Whose it is. */
  readonly of: string;
}

/**
 * Limits what a principal, and all principals of a client together, ask for over time. Callers without a token are
 * limited by their address and together, elsewhere.
 */
export class RateLimits {
  readonly #budgets: RateBudgets;
  readonly #limits: ServerLimits;

  constructor(budgets: RateBudgets, limits: ServerLimits) {
    this.#budgets = budgets;
    this.#limits = limits;
  }

  /** @throws {GatewayError} 429 RATE_LIMITED, with the headers that say which budget is used up, and until when */
  async take(claims: TokenClaims, counted: Counted, amount: number): Promise<void> {
    for (const policy of this.#policiesOf(claims, counted)) {
      const taken = this.#budgets.take(`${policy.name}/${policy.of}`, policy.quota, amount);
      if (!(typeof taken === 'boolean' ? taken : await taken)) throw rateLimited(policy, this.#budgets.secondsLeft());
    }
  }

  #policiesOf({ subject, tenant }: TokenClaims, counted: Counted): Policy[] {
    if (subject === '') return [];
    const { operationsPerSecond, clientOperationsPerSecond, costPerSecond, clientCostPerSecond } = this.#limits;
    const [principal, client] =
      counted === 'operations'
        ? [operationsPerSecond, clientOperationsPerSecond]
        : [costPerSecond, clientCostPerSecond];
    const own = { name: `principal-${counted}`, quota: principal * WINDOW_S, of: JSON.stringify([tenant, subject]) };
    if (tenant === undefined) return [own];
    return [own, { name: `client-${counted}`, quota: client * WINDOW_S, of: tenant }];
  }
}

/** The headers are those of draft-ietf-httpapi-ratelimit-headers. */
function rateLimited({ name, quota }: Policy, seconds: number): GatewayError {
  const whose = name.startsWith('client') ? 'Your client has' : 'You have';
  return new GatewayError(
    429,
    'RATE_LIMITED',
    `${whose} used up the budget of ${WINDOW_S} s; try again in ${seconds} s.`,
    {
      'retry-after': String(seconds),
      'ratelimit-policy': `"${name}";q=${quota};w=${WINDOW_S}`,
      ratelimit: `"${name}";r=0;t=${seconds}`,
    },
  );
}
