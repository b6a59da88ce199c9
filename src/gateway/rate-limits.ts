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
  /** Names it and whose it is. */
  readonly budget: string;
}

/**
 * Limits what a principal, and all principals of a client together, ask for over time. Callers without a token are
 * limited by their address and together, elsewhere.
 */
export class RateLimits {
  readonly #budgets: RateBudgets;
  readonly #limits: ServerLimits;
  /** By what a verified token says, which is one object as long as the token counts as verified. */
  readonly #policies: Readonly<Record<Counted, WeakMap<TokenClaims, readonly Policy[]>>> = {
    operations: new WeakMap(),
    cost: new WeakMap(),
  };

  constructor(budgets: RateBudgets, limits: ServerLimits) {
    this.#budgets = budgets;
    this.#limits = limits;
  }

  /**
   * @returns a promise where other processes have to be asked
   * @throws {GatewayError} 429 RATE_LIMITED, with the headers that say which budget is used up, and until when
   */
  take(claims: TokenClaims, counted: Counted, amount: number): undefined | Promise<void> {
    return this.#takeOf(this.#policiesOf(claims, counted), amount, 0);
  }

  /** Takes it of one policy after the other, from a place on. */
  #takeOf(policies: readonly Policy[], amount: number, from: number): undefined | Promise<void> {
    for (let place = from; place < policies.length; place++) {
      const policy = policies[place] as Policy;
      const taken = this.#budgets.take(policy.budget, policy.quota, amount);
      if (typeof taken !== 'boolean') {
        return taken.then((enough) => {
          if (!enough) throw rateLimited(policy, this.#budgets.secondsLeft());
          return this.#takeOf(policies, amount, place + 1);
        });
      }
      if (!taken) throw rateLimited(policy, this.#budgets.secondsLeft());
    }
    return undefined;
  }

  #policiesOf(claims: TokenClaims, counted: Counted): readonly Policy[] {
    const known = this.#policies[counted].get(claims);
    if (known) return known;
    const policies = this.#makePolicies(claims, counted);
    this.#policies[counted].set(claims, policies);
    return policies;
  }

  #makePolicies({ subject, tenant }: TokenClaims, counted: Counted): Policy[] {
    if (subject === '') return [];
    const { operationsPerSecond, clientOperationsPerSecond, costPerSecond, clientCostPerSecond } = this.#limits;
    const [principal, client] =
      counted === 'operations'
        ? [operationsPerSecond, clientOperationsPerSecond]
        : [costPerSecond, clientCostPerSecond];
    const own = policyOf(`principal-${counted}`, principal, JSON.stringify([tenant, subject]));
    return tenant === undefined ? [own] : [own, policyOf(`client-${counted}`, client, tenant)];
  }
}

const policyOf = (name: string, perSecond: number, whose: string): Policy => ({
  name,
  quota: perSecond * WINDOW_S,
  budget: `${name}/${whose}`,
});

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
