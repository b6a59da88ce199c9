import type { Decision, GovernanceReport, GovernedCoordinate, Outcome } from '../../governance/govern';
import type { TokenClaims } from '../../identity/caller';
import type { RequestContext } from '../../identity/request-context';
import { type Alert, Alerts } from '../alerts/alerts';
import { Written } from '../log/canonical';
import type { Ledger } from '../log/ledger';
import { accessBody } from './access-entry';
import type { References } from './references';

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

/** Records accesses: one entry for each operation. */
export class AccessRecorder {
  readonly #ledger: Ledger;
  readonly #references: References;
  readonly #alerts: Alerts;
  readonly #verdicts = new WeakMap<Decision, Verdicts>();

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
  async record(facts: AccessFacts): Promise<void> {
    const { context, claims, decision, report } = facts;
    const client = context?.client?.id;
    const notes = context?.notes;
    const ids = new Set<string>();
    for (const { subject } of notes?.subjects ?? []) if (subject !== undefined) ids.add(subject);
    const principal = claims?.subject ? await this.#references.principal(client, claims.subject) : undefined;
    const subjects = client === undefined ? [] : await this.#references.subjects(client, ids);
    const { coordinates, counts, withheld } = decision
      ? this.#verdictsOf(decision, facts.coordinates)
      : verdictsOf((report?.withheld ?? []).map((name) => [name, 'WITHHELD']));
    const purpose = report?.purpose ?? facts.purpose ?? null;
    const rowsWithheld = (report?.withheld ?? []).filter((name) => !withheld.has(name));
    const permissions = (purpose !== null && context?.permissionsFor?.(purpose)) || [];
    const body = accessBody({
      client,
      codes: Object.fromEntries(facts.codes),
      coordinates,
      counts,
      country: context?.country ?? claims?.country ?? null,
      decision: report?.decisionId ?? null,
      id: facts.id,
      microseconds: Math.round(facts.milliseconds * 1000),
      operation: facts.operation ?? null,
      operationHash: facts.operationHash ?? null,
      permissions,
      policyVersion: report?.policyVersion ?? null,
      principal: principal?.reference ?? null,
      principalName: principal?.sealed ?? null,
      purpose,
      result: facts.outcome,
      roles: claims?.roles ?? [],
      rowsWithheld,
      subjects,
      time: new Date(this.#ledger.now()).toISOString(),
      transferBases: [...(notes?.transferBases ?? [])].sort(),
      transport: facts.transport,
    });
    await this.#ledger.append(client, facts.id, body, facts.settled);
    if (!principal) return;
    const { reference } = principal;
    const withheldHere = withheld.size + rowsWithheld.length;
    this.#alerts.observe({
      entry: facts.id,
      client,
      principal: reference,
      permissions,
      subjects,
      withheld: withheldHere,
    });
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
