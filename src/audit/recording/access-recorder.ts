import type { Decision, GovernanceReport, GovernedCoordinate, Outcome } from '../../governance/govern';
import type { TokenClaims } from '../../identity/caller';
import type { RequestContext } from '../../identity/request-context';
import { type Alert, Alerts } from '../alerts/alerts';
import { Written } from '../log/canonical';
import type { Ledger } from '../log/ledger';
import { type AccessTemplate, accessTemplate } from './access-entry';
import type { References, SealedPrincipal } from './references';

/** What the gateway knows of one operation, or of one event of a subscription, when its answer is ready. */
export interface AccessFacts {
  /** UUIDv7: the entry's id. */
  readonly id: string;
  readonly transport: string;
  readonly claims: TokenClaims | undefined;
  readonly context: RequestContext | undefined;
  /** The decision; undefined where the request ended before one. */
  readonly decision: Decision | undefined;
  /** The stated purpose, for requests without a decision. */
  readonly purpose: string | undefined;
  /** Its kind and root fields, as the schema names them. */
  readonly operation: string | undefined;
  readonly operationHash: string | undefined;
  readonly report: GovernanceReport | undefined;
  readonly outcome: string;
  /** Codes of the answer's errors, and how many rows each is about. */
  readonly codes: ReadonlyMap<string, number>;
  readonly coordinates: readonly GovernedCoordinate[];
  readonly milliseconds: number;
  /** What `begin` returned for it. */
  readonly settled: () => void;
}

interface Verdicts {
  readonly coordinates: Written;
  readonly counts: Written;
  readonly withheld: ReadonlySet<string>;
}

/** What entries share, with everything that it was made of. */
interface Prepared {
  readonly basis: readonly unknown[];
  readonly permissions: readonly string[];
  readonly template: AccessTemplate;
}

/** Records accesses: one entry for each operation. */
export class AccessRecorder {
  readonly #ledger: Ledger;
  readonly #references: References;
  readonly #alerts: Alerts;
  readonly #verdicts = new WeakMap<Decision, Verdicts>();
  readonly #prepared = new WeakMap<Decision, WeakMap<TokenClaims, Prepared>>();

  /** @param raise told of each alert */
  constructor(ledger: Ledger, references: References, raise: (alert: Alert) => void = () => undefined) {
    this.#ledger = ledger;
    this.#references = references;
    this.#alerts = new Alerts(raise);
  }

  /**
   * An operation begins.
   * @returns call it when the operation ends; recording its entry calls it too
   */
  begin(): () => void {
    return this.#ledger.batchWindow.join();
  }

  /** Resolves once the entry is durable. @throws {GraphQLError} AUDIT_UNAVAILABLE */
  record(facts: AccessFacts): Promise<void> {
    const client = facts.context?.client?.id;
    const name = facts.claims?.subject;
    const ids = subjectsOf(facts);
    // Mostly all is in memory, and then there is nothing to wait for but the ledger.
    const principal = name ? this.#references.knownPrincipal(client, name) : null;
    const subjects = this.#references.knownSubjects(client, ids);
    if (principal !== undefined && subjects) return this.#record(facts, principal, subjects);
    return this.#lookUp(facts, client, name, ids);
  }

  async #lookUp(
    facts: AccessFacts,
    client: string | undefined,
    name: string | undefined,
    ids: ReadonlySet<string>,
  ): Promise<void> {
    const principal = name ? await this.#references.principal(client, name) : null;
    const subjects = client === undefined ? [] : await this.#references.subjects(client, ids);
    return this.#record(facts, principal, subjects);
  }

  #record(facts: AccessFacts, principal: SealedPrincipal | null, subjects: readonly string[]): Promise<void> {
    const { context, decision, id, report } = facts;
    const client = context?.client?.id;
    const verdicts = decision
      ? this.#verdictsOf(decision, facts.coordinates)
      : verdictsOf((report?.withheld ?? []).map((name) => [name, 'WITHHELD']));
    const { permissions, template } = this.#preparedFor(facts, verdicts, principal);
    const { withheld } = verdicts;
    const rowsWithheld = report?.withheld.filter((name) => !withheld.has(name)) ?? [];
    const bases = context?.notes.transferBases;
    const body = template({
      codes: facts.codes,
      id,
      microseconds: Math.round(facts.milliseconds * 1000),
      result: facts.outcome,
      rowsWithheld,
      subjects,
      time: new Date(this.#ledger.now()).toISOString(),
      transferBases: bases && bases.size > 0 ? [...bases].sort() : [],
    });
    const durable = this.#ledger.append(client, id, body, facts.settled);
    if (!principal) return durable;
    const { reference } = principal;
    const observation = { entry: id, client, principal: reference, permissions, subjects };
    return durable.then(() => this.#alerts.observe({ ...observation, withheld: withheld.size + rowsWithheld.length }));
  }

  /** Accesses of one caller by one decision share most of their entries, as long as nothing of it has changed. */
  #preparedFor(facts: AccessFacts, verdicts: Verdicts, principal: SealedPrincipal | null): Prepared {
    const { claims, context, decision, report } = facts;
    const purpose = report?.purpose ?? facts.purpose ?? null;
    const { decisionId = null, policyVersion = null } = report ?? {};
    const country = context?.country ?? claims?.country ?? null;
    const { operation = null, operationHash = null, transport } = facts;
    const client = context?.client?.id;
    const permissionsFor = context?.permissionsFor;
    const named = [purpose, decisionId, policyVersion, country, operation, operationHash, transport, client];
    const basis: readonly unknown[] = [principal, permissionsFor, verdicts, ...named];
    const ofDecision = decision && (this.#prepared.get(decision) ?? new WeakMap<TokenClaims, Prepared>());
    const known = claims && ofDecision?.get(claims);
    if (known && basis.every((part, index) => part === known.basis[index])) return known;
    const permissions = (purpose !== null && permissionsFor?.(purpose)) || [];
    const template = accessTemplate({
      client,
      coordinates: verdicts.coordinates,
      counts: verdicts.counts,
      country,
      decision: decisionId,
      operation,
      operationHash,
      permissions,
      policyVersion,
      principal: principal?.reference ?? null,
      principalName: principal?.sealed ?? null,
      purpose,
      roles: claims?.roles ?? [],
      transport,
    });
    const prepared = { basis, permissions, template };
    if (decision && claims && ofDecision) this.#prepared.set(decision, ofDecision.set(claims, prepared));
    return prepared;
  }

  /** Decisions are cached between requests, and so is their part of an entry. */
  #verdictsOf(decision: Decision, names: readonly GovernedCoordinate[]): Verdicts {
    const known = this.#verdicts.get(decision);
    if (known) return known;
    const outcomes = decision.verdicts.flatMap((verdict, index): Array<[string, Outcome]> => {
      const name = names[index];
      return verdict && name && isGoverned(name) ? [[name.coordinate, verdict.outcome]] : [];
    });
    const verdicts = verdictsOf(outcomes);
    this.#verdicts.set(decision, verdicts);
    return verdicts;
  }
}

function subjectsOf({ context }: AccessFacts): Set<string> {
  const ids = new Set<string>();
  for (const { subject } of context?.notes.subjects ?? []) if (subject !== undefined) ids.add(subject);
  return ids;
}

/** A field that only requires a scope is about nobody. */
const isGoverned = ({ category, rows, derivedFrom }: GovernedCoordinate): boolean =>
  category !== null || rows || derivedFrom.length > 0;

function verdictsOf(outcomes: ReadonlyArray<readonly [coordinate: string, outcome: Outcome]>): Verdicts {
  const counts = { CLEAR: 0, DEIDENTIFIED: 0, WITHHELD: 0 };
  for (const [, outcome] of outcomes) counts[outcome]++;
  return {
    coordinates: new Written(Object.fromEntries(outcomes)),
    counts: new Written(counts),
    withheld: new Set(outcomes.flatMap(([coordinate, outcome]) => (outcome === 'WITHHELD' ? coordinate : []))),
  };
}
