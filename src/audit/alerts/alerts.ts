import { LRUCache } from 'lru-cache';
import { type AlertRule, alertRules, type HoursRule, type SubjectsRule, type WithheldRule } from './rules';

/** What the rules see of one operation. */
export interface Observation {
  /** The id of the operation's entry. */
  readonly entry: string;
  readonly client: string | undefined;
  /** The principal's keyed reference; an alert names nobody. */
  readonly principal: string;
  readonly permissions: readonly string[];
  /** References of the subjects read. */
  readonly subjects: readonly string[];
  readonly withheld: number;
}

export interface Alert {
  readonly rule: AlertRule['kind'];
  readonly entry: string;
  readonly client: string | undefined;
  readonly principal: string;
  readonly measured: number;
  readonly limit: number;
}

interface Past {
  window: number;
  subjects: Set<string>;
  readonly counts: number[];
  alerted: boolean;
  withheldInARow: number;
}

/** Watches this process's accesses and raises alerts by the rules in rules.ts (statement G3). */
export class Alerts {
  readonly #raise: (alert: Alert) => void;
  readonly #rules: readonly AlertRule[];
  readonly #now: () => number;
  readonly #pasts = new LRUCache<string, Past>({ max: 20_000 });

  constructor(
    raise: (alert: Alert) => void,
    { rules = alertRules, now = Date.now }: { rules?: readonly AlertRule[]; now?: () => number } = {},
  ) {
    this.#raise = raise;
    this.#rules = rules;
    this.#now = now;
  }

  observe(observation: Observation): void {
    const key = `${observation.client ?? ''} ${observation.principal}`;
    const past = this.#pasts.get(key) ?? {
      window: 0,
      subjects: new Set(),
      counts: [],
      alerted: false,
      withheldInARow: 0,
    };
    this.#pasts.set(key, past);
    for (const rule of this.#rules) {
      const exceeded = this.#judge(rule, observation, past);
      if (!exceeded) continue;
      const { entry, client, principal } = observation;
      this.#raise({ rule: rule.kind, entry, client, principal, ...exceeded });
    }
  }

  #judge(rule: AlertRule, observation: Observation, past: Past): Pick<Alert, 'measured' | 'limit'> | undefined {
    switch (rule.kind) {
      case 'SUBJECTS_BEYOND_OWN_PAST':
        return this.#subjects(rule, observation, past);
      case 'WITHHELD_IN_A_ROW':
        return withheld(rule, observation, past);
      case 'BREAK_GLASS_OUT_OF_HOURS':
        return outOfHours(rule, observation, new Date(this.#now()));
    }
  }

  #subjects(rule: SubjectsRule, { subjects }: Observation, past: Past) {
    const window = Math.floor(this.#now() / rule.windowMs);
    if (window !== past.window) {
      if (past.subjects.size > 0) past.counts.push(past.subjects.size);
      if (past.counts.length > rule.pastWindows) past.counts.shift();
      Object.assign(past, { window, subjects: new Set(), alerted: false });
    }
    if (past.alerted) return undefined;
    for (const subject of subjects) past.subjects.add(subject);
    const limit = limitOf(rule, past.counts);
    const measured = past.subjects.size;
    if (measured <= limit) return undefined;
    past.alerted = true;
    return { measured, limit };
  }
}

const FEW_WINDOWS = 3;

function limitOf(rule: SubjectsRule, counts: readonly number[]): number {
  if (counts.length < FEW_WINDOWS) return rule.withoutPast;
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return Math.max(rule.atLeast, Math.round(rule.times * mean));
}

function withheld(rule: WithheldRule, observation: Observation, past: Past) {
  past.withheldInARow = observation.withheld > 0 ? past.withheldInARow + 1 : 0;
  // One alert for each streak.
  return past.withheldInARow === rule.operations
    ? { measured: past.withheldInARow, limit: rule.operations }
    : undefined;
}

function outOfHours(rule: HoursRule, { permissions, subjects }: Observation, at: Date) {
  if (subjects.length === 0 || !permissions.some((title) => title.startsWith(rule.permission))) return undefined;
  const hour = at.getUTCHours();
  const within = rule.days.includes(at.getUTCDay()) && hour >= rule.from && hour < rule.to;
  return within ? undefined : { measured: hour, limit: rule.to };
}
