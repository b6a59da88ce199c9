import { GraphQLError } from 'graphql';
import type { Access, RowRefusal } from './access';
import { type Decision, type Outcome, reasonOf } from './decision';
import { type Deidentification, deidentify, methods } from './deidentification/methods';
import { messageOf, type Refusal, ruleOf } from './errors';
import { type PseudonymKey, pseudonymKeyOf } from './pseudonym-key';
import type { Coordinate } from './schema-policy';

/** A node of the response's path, from the leaf up, as graphql's executors hand it out. */
export interface ResponsePath {
  readonly key: string | number;
  readonly prev?: ResponsePath | undefined;
}

/** One coordinate that is withheld for one reason, counted over all rows. */
interface Tally {
  readonly coordinate: string;
  readonly code: string;
  readonly rule: string;
  /** The argument that reads it, as `Type.field(argument:)`; undefined if it was selected. */
  readonly argument: string | undefined;
  /** The first place where it was withheld. */
  readonly path: ReadonlyArray<string | number>;
  rows: number;
  /** Rows that were counted and may be met again: under an alias, or through an argument. */
  readonly places: Set<string>;
}

/** The report in a response's `extensions.governance`. */
export interface GovernanceReport {
  readonly purpose: string | null;
  readonly decisionId: string;
  readonly policyVersion: string;
  readonly withheld: readonly string[];
  readonly deidentified: readonly string[];
  readonly auditId: string | null;
}

const noAnswer: RowRefusal = {
  code: 'PROCESSING_RESTRICTED',
  rule: 'the row rule answered neither a code nor nothing',
};
const failed: RowRefusal = { code: 'PROCESSING_RESTRICTED', rule: 'the row rule failed' };

const noKey = new Uint8Array();

/** Shared by all copies of this module, so that the guards of one accept the enforcement of another. */
const brand = Symbol.for('@remit/governance/enforcement');

/** One request while it runs: applies its decision field by field, and counts what was withheld. */
export class Enforcement {
  readonly [brand] = true;
  readonly decision: Decision;
  readonly contextValue: unknown;
  readonly #access: Access;
  readonly #row: Access['row'];
  readonly #rootKey: PseudonymKey | undefined;
  #pseudonymKey: Uint8Array | undefined;
  readonly #tallies = new Map<string, Tally>();
  /**
   * By refusal and coordinate, so that counting needs no string key: a row rule returns the same object for all rows
   * that it treats alike. Undefined stands for the decision itself.
   */
  readonly #withheld = new Map<RowRefusal | undefined, Array<Tally | undefined>>();
  readonly #deidentified = new Set<string>();

  constructor(decision: Decision, access: Access, contextValue: unknown, rootKey: PseudonymKey | undefined) {
    this.decision = decision;
    this.contextValue = contextValue;
    this.#access = access;
    this.#row = access.row;
    this.#rootKey = rootKey;
  }

  /** The enforcement in a guard's context; undefined if the schema is executed by something else. */
  static of(context: unknown): Enforcement | undefined {
    if (context instanceof Enforcement) return context;
    const isForeign = typeof context === 'object' && context !== null && brand in context;
    return isForeign ? (context as Enforcement) : undefined;
  }

  /** The outcome for a coordinate. What no plan reaches is withheld. */
  outcome(coordinate: Coordinate): Outcome {
    return this.decision.verdicts[coordinate.index]?.outcome ?? 'WITHHELD';
  }

  /** Why the row withholds this coordinate. A row rule that throws withholds too. */
  rowRefusal(row: unknown, coordinate: Coordinate): RowRefusal | undefined {
    if (!coordinate.ofRow) return undefined;
    const { category, rows } = coordinate.rule;
    return rows && category === undefined ? this.#rowsRefusal(row, coordinate) : this.#ask(row, coordinate, category);
  }

  /** Related rows are withheld if their parent row withholds every category that may be read of them. */
  #rowsRefusal(row: unknown, coordinate: Coordinate): RowRefusal | undefined {
    let refusal: RowRefusal | undefined;
    for (const category of this.decision.verdicts[coordinate.index]?.categories ?? [undefined]) {
      const asked = this.#ask(row, coordinate, category);
      if (asked === undefined) return undefined;
      refusal ??= asked;
    }
    return refusal;
  }

  #ask(row: unknown, coordinate: Coordinate, category: string | undefined): RowRefusal | undefined {
    if (!this.#row) return undefined;
    try {
      const refusal: unknown = this.#row(row, coordinate.name, category);
      if (refusal === undefined || isRowRefusal(refusal)) return refusal;
      return noAnswer;
    } catch {
      return failed;
    }
  }

  deidentify(coordinate: Coordinate, value: unknown): unknown {
    const method = this.decision.verdicts[coordinate.index]?.method;
    this.#deidentified.add(coordinate.name);
    return method ? this.disguise(coordinate, method, value) : null;
  }

  /** What a withheld, non-null field answers instead. */
  disguise({ domain }: Coordinate, method: Deidentification, value: unknown): unknown {
    return deidentify(method, value, { key: methods[method].keyed ? this.#key() : noKey, domain });
  }

  /** Derived on first use: most requests make no pseudonym. */
  #key(): Uint8Array {
    this.#pseudonymKey ??= pseudonymKeyOf(this.#rootKey, this.#access);
    return this.#pseudonymKey;
  }

  /**
   * Counts a coordinate that is withheld at `key` below `parent`.
   * @param refusal the row's; undefined if the decision withholds it
   */
  withhold(
    coordinate: Coordinate,
    refusal: RowRefusal | undefined,
    parent: ResponsePath | undefined,
    key: string | number,
  ): void {
    let tallies = this.#withheld.get(refusal);
    if (!tallies) {
      tallies = [];
      this.#withheld.set(refusal, tallies);
    }
    const known = tallies[coordinate.index];
    if (known && !this.decision.recurring.has(coordinate.index)) known.rows++;
    else
      tallies[coordinate.index] = this.#count(coordinate, this.#reasonOf(coordinate, refusal), { prev: parent, key });
  }

  #reasonOf({ index }: Coordinate, refusal: RowRefusal | undefined): Refusal {
    if (typeof refusal === 'object') return refusal;
    if (refusal !== undefined) return { code: refusal, rule: ruleOf(refusal) };
    return reasonOf(this.decision.verdicts[index]);
  }

  /**
   * Counts a field that was not resolved because an argument reads what may not be read.
   * @param argument `Type.field(argument:)`
   */
  withholdArgument(coordinate: Coordinate, refusal: Refusal, argument: string, path: ResponsePath): void {
    this.#count(coordinate, refusal, path, argument);
  }

  #count({ index, name }: Coordinate, { code, rule }: Refusal, path: ResponsePath, argument?: string): Tally {
    const key = `${name} ${code} ${argument ?? ''} ${rule}`;
    let tally = this.#tallies.get(key);
    if (!tally) {
      tally = { coordinate: name, code, rule, argument, path: responsePath(path), rows: 0, places: new Set() };
      this.#tallies.set(key, tally);
    }
    if (this.decision.recurring.has(index)) {
      const place = placeOf(path.prev);
      if (tally.places.has(place)) return tally;
      tally.places.add(place);
    }
    tally.rows++;
    return tally;
  }

  /** One error per coordinate and reason, never one per row. */
  errors(): GraphQLError[] {
    return [...this.#tallies.values()].map(({ coordinate, code, rule, argument, path, rows }) => {
      const purpose = this.decision.purpose ?? null;
      const why = messageOf(code);
      return new GraphQLError(argument === undefined ? why : `The argument ${argument} reads ${coordinate}: ${why}`, {
        path,
        extensions: {
          code,
          coordinate,
          ...(argument === undefined ? {} : { argument }),
          purpose,
          rule,
          rows,
          pattern: path.map((key) => (typeof key === 'number' ? '@' : key)),
        },
      });
    });
  }

  report(auditId: string | null = null): GovernanceReport {
    return {
      purpose: this.decision.purpose ?? null,
      decisionId: this.decision.id,
      policyVersion: this.decision.policyVersion,
      withheld: [...new Set([...this.#tallies.values()].map(({ coordinate }) => coordinate))],
      deidentified: [...this.#deidentified],
      auditId,
    };
  }
}

function isRowRefusal(refusal: unknown): refusal is RowRefusal {
  if (typeof refusal === 'string') return refusal !== '';
  const { code, rule } = (refusal ?? {}) as { code?: unknown; rule?: unknown };
  return typeof code === 'string' && typeof rule === 'string';
}

/** A row's path in the response, as text. */
function placeOf(row: ResponsePath | undefined): string {
  let place = '';
  for (let node = row; node; node = node.prev) place += `${node.key}/`;
  return place;
}

/** The path from the root down. */
export function responsePath(leaf: ResponsePath): Array<string | number> {
  const path: Array<string | number> = [];
  for (let node: ResponsePath | undefined = leaf; node; node = node.prev) path.push(node.key);
  return path.reverse();
}
