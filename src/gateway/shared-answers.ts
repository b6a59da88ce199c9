import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import type { GovernedResult, PlannedOperation } from '../governance/govern';
import type { Waiting } from './event-rounds';
import type { GovernedRequest } from './governed-request';
import { type Group, grouped } from './grouped';
import { contextOf, type Operation, type Road } from './road';
import { watched } from './watched-context';

/** What a socket was opened with. It is verified again for each operation and each event. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly purpose: string | undefined;
}

/** An event that a subscriber is to be told. */
export interface ToldEvent extends Waiting {
  readonly credentials: Credentials | undefined;
  readonly plan: PlannedOperation;
  readonly operation: Operation;
  /** Their {@link digestOf}. */
  readonly variables: string;
  readonly event: unknown;
  /** @param payload the result as JSON */
  answered(result: GovernedResult, payload: string): void;
}

interface Asked {
  readonly told: ToldEvent;
  readonly request: GovernedRequest;
}

/** The same event for the same operation of the same caller, once or more often: they have one set of rights. */
type Question = Group<Asked>;

/**
 * Answers the events of a round. Each is a request of its own: its caller, rights and decision are those of this
 * moment, and it leaves its own entry in the ledger. Requests share an execution where everything is the same that its
 * answer depends on (docs/pitfalls.md, 18). The rights of all are looked up before it begins.
 */
export class SharedAnswers {
  readonly #road: Road;
  readonly #recorded: (request: GovernedRequest) => void;
  readonly #ids = new WeakMap<object, number>();
  #lastId = 0;
  /** Operations whose answers have depended on who asks. */
  readonly #personal = new WeakSet<PlannedOperation>();

  /** @param recorded told of each request once its entry is durable */
  constructor(road: Road, recorded: (request: GovernedRequest) => void) {
    this.#road = road;
    this.#recorded = recorded;
  }

  /** Settles each of the events. */
  async answer(round: readonly ToldEvent[]): Promise<void> {
    const asked = round.map((told): Asked => ({ told, request: this.#road.begin('websocket') }));
    for (const { request } of asked) this.#road.announce(request);
    const sockets = grouped(asked, ({ told }) => told.credentials);
    const identified = await eachOf(sockets, (those) => this.#identify(those));
    const questions = grouped(identified.flat(), (one) => this.#questionOf(one));
    const decided = await eachOf(questions, (question) => this.#decide(question));
    await this.#executeAll(decided);
    for (const { request } of asked) request.settled();
  }

  /** Caller: a socket's token is verified once for its events. */
  async #identify([{ request, told }, ...others]: Group<Asked>): Promise<void> {
    await this.#road.identify(request, told.credentials?.authorization, () => told.credentials?.purpose);
    const { claims, contract, purpose } = request;
    for (const other of others) Object.assign(other.request, { claims, contract, purpose });
  }

  #questionOf({ told: { plan, variables, event }, request: { claims, purpose } }: Asked): string {
    return JSON.stringify([this.#idOf(event), this.#idOf(plan), variables, this.#idOf(claims), purpose]);
  }

  /** Rights and decision. */
  async #decide([{ request, told }, ...others]: Question): Promise<void> {
    await this.#road.grant(request);
    request.plan = told.plan;
    this.#road.decide(request, told.operation);
    const { context, plan, decided } = request;
    for (const other of others) Object.assign(other.request, { context, plan, decided });
  }

  async #executeAll(questions: readonly Question[]): Promise<void> {
    await Promise.all(grouped(questions, (question) => this.#basisOf(question)).map((same) => this.#execute(same)));
  }

  /** Everything that the answer to a question depends on. Who asks is left out, unless that has mattered. */
  #basisOf([{ told, request }]: Question): string {
    const { claims, context, decided, purpose } = request;
    return JSON.stringify([
      ...[this.#idOf(told.event), this.#idOf(told.plan), told.variables, purpose],
      this.#idOf(decided && 'decision' in decided ? decided.decision : decided),
      context?.alike ?? this.#idOf(context),
      this.#personal.has(told.plan) ? claims?.subject : null,
    ]);
  }

  /** Executes for the first question, and gives the others the same answer, unless it looks at who asked. */
  async #execute([question, ...others]: Group<Question>): Promise<void> {
    const [{ request, told }] = question;
    const { context, isPersonal } = watched(contextOf(request));
    let result: GovernedResult;
    try {
      result = await this.#road.execute(request, told.operation, told.event, context);
    } catch (error) {
      for (const { told } of [question, ...others].flat()) told.fail(error);
      return;
    }
    const answered: Question[] = [question];
    const unanswered: Question[] = [];
    if (isPersonal()) this.#personal.add(told.plan);
    for (const other of others) {
      const isSame = !isPersonal() || other[0].request.claims?.subject === request.claims?.subject;
      (isSame ? answered : unanswered).push(other);
    }
    await Promise.all([this.#record(answered.flat(), request, result), this.#executeAll(unanswered)]);
  }

  /** Writes an entry for each. The answers differ by the id of their entries alone, and the rest is written once. */
  async #record(asked: readonly Asked[], executed: GovernedRequest, result: GovernedResult): Promise<void> {
    const shared = answerText(result);
    const notes = executed.context?.notes;
    const record = async ({ request, told }: Asked) => {
      if (request.context && notes) request.context = { ...request.context, notes };
      const recorded = await this.#road.record(request, result, told.operation, (error, extensions) => ({
        data: null,
        errors: [error],
        extensions,
      }));
      this.#recorded(request);
      const isShared = recorded.data === result.data && recorded.errors === result.errors;
      const text = isShared ? shared : answerText(recorded);
      told.answered(recorded, `{${text}"extensions":${JSON.stringify(recorded.extensions)}}`);
    };
    await Promise.all(asked.map((one) => record(one).catch((error: unknown) => one.told.fail(error))));
  }

  #idOf(thing: unknown): number {
    if (typeof thing !== 'object' || thing === null) return ++this.#lastId;
    const known = this.#ids.get(thing);
    if (known !== undefined) return known;
    this.#ids.set(thing, ++this.#lastId);
    return this.#lastId;
  }
}

/** Equal only for variables that are equal. JSON would not tell infinity from null. */
export function digestOf(variables: Operation['variableValues']): string {
  return createHash('sha256')
    .update(serialize(variables ?? {}))
    .digest('base64url');
}

/** Takes a step for each group. @returns those for which it was taken; the others have failed */
async function eachOf(
  groups: ReadonlyArray<Group<Asked>>,
  step: (group: Group<Asked>) => Promise<void>,
): Promise<Array<Group<Asked>>> {
  const taken = groups.map(async (group) => {
    try {
      await step(group);
      return group;
    } catch (error) {
      for (const { told } of group) told.fail(error);
      return undefined;
    }
  });
  return (await Promise.all(taken)).filter((group) => group !== undefined);
}

/** The parts of an answer that are the same for all, as they stand in it. */
function answerText({ data, errors }: GovernedResult): string {
  const parts = Object.entries({ data, errors }).filter(([, part]) => part !== undefined);
  return parts.map(([name, part]) => `"${name}":${JSON.stringify(part)},`).join('');
}
