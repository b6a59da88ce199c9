import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, ask, isDone, type Question } from './asking';
import type { ServedProcess } from './served-process';

/** Tokens of the callers that the load speaks for. */
export interface Callers {
  /** The client's administrator, who may erase and withdraw. */
  readonly admin: string;
  /** The client's app: it writes and reads customers for SUPPORT. */
  readonly app: string;
  /** An agent with no right but what a grant to it gives. */
  agent(name: string): Promise<string>;
}

export interface Person {
  readonly id: string;
  /** The last value that was acknowledged, and all that were tried since: any of those may be there. */
  email: string;
  tried: string[];
  /** Id of the erasure that was acknowledged. */
  erasure?: string;
  /** An erasure was asked for and never acknowledged. */
  mayBeErased?: true;
}

export interface Tally {
  asked: number;
  done: number;
  /** Answers without the data that were right, by status and code. */
  readonly refused: Map<string, number>;
  /** What must never be: each with its answer. */
  readonly wrong: string[];
  readonly people: Person[];
  /** Reasons of grants that were acknowledged: each is there once. */
  readonly grants: Set<string>;
  readonly withdrawn: Set<string>;
  readonly transfers: Set<string>;
  /** Ids of rows, by what was acknowledged about them. */
  readonly made: Set<string>;
  readonly changed: Set<string>;
  /** Reads after an acknowledged withdrawal or a completed erasure. */
  looked: number;
  /** Answers to writes that had been done before. */
  repeated: number;
  /** Writes that never got an answer. */
  unanswered: number;
  /** When each process failed last. */
  readonly failures: Array<{ readonly at: number; readonly process: string }>;
}

export const newTally = (): Tally => ({
  asked: 0,
  done: 0,
  refused: new Map(),
  wrong: [],
  people: [],
  grants: new Set(),
  withdrawn: new Set(),
  transfers: new Set(),
  made: new Set(),
  changed: new Set(),
  looked: 0,
  repeated: 0,
  unanswered: 0,
  failures: [],
});

const MOST_NOTED = 12;
/** A killed process keeps its keys for ten seconds. */
const MOST_TRIES = 60;
const COMES_YET = new Set(['IDEMPOTENCY_KEY_IN_USE', 'TOO_MANY_OPERATIONS']);
/** How a fault may be told: with the time to try again. */
const TELLS_OF_FAULTS = new Set(['SERVICE_UNAVAILABLE', 'AUDIT_UNAVAILABLE', 'TIMEOUT']);

const create = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id email } } }`;
const update = `mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id email } } }`;
const grant = `mutation ($input: GrantPurposeInput!) { grantPurpose(input: $input) { grant { id } } }`;
const withdraw = `mutation ($input: WithdrawInput!) { withdrawPurpose(input: $input) { grant { id } } }`;
const erase = `mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id status } } }`;
const stateOf = `query ($id: ID!) { erasureRequest(id: $id) { status } }`;
const transfer = `mutation ($input: RequestTransferApprovalInput!) {
  requestTransferApproval(input: $input) { approval { id } }
}`;
const page = `{ customers(first: 10) { nodes { id firstName email } } }`;
const look = `query ($id: ID!) { customer(id: $id) { id email } }`;

/**
 * One lane of a mixed load: it writes people of its own, so that it knows what has to be there. It asks any process.
 */
export class Lane {
  readonly #name: string;
  readonly #processes: readonly ServedProcess[];
  readonly #callers: Callers;
  readonly #tally: Tally;
  readonly #own: Person[] = [];
  #count = 0;

  constructor(name: string, processes: readonly ServedProcess[], callers: Callers, tally: Tally) {
    this.#name = name;
    this.#processes = processes;
    this.#callers = callers;
    this.#tally = tally;
  }

  async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await this.#step();
      await sleep(20 + Math.random() * 60);
    }
  }

  async #step(): Promise<void> {
    const chance = Math.random();
    const person = this.#own[Math.floor(Math.random() * this.#own.length)];
    if (!person || chance < 0.3) await this.#create();
    else if (chance < 0.5) await this.#update(person);
    else if (chance < 0.65) await this.#grantAndWithdraw(person);
    else if (chance < 0.75) await this.#erase(person);
    else if (chance < 0.78) await this.#askForTransfer();
    else await this.#read({ token: this.#callers.app, purpose: 'SUPPORT', document: page });
  }

  async #create(): Promise<void> {
    const email = this.#address();
    const input = { externalId: `${this.#name}-${this.#count}`, firstName: 'Someone', email, residency: 'DE' };
    const answer = await this.#write({
      token: this.#callers.app,
      purpose: 'SUPPORT',
      document: create,
      variables: { input },
    });
    if (!answer) return;
    const { id } = (answer.data as { createCustomer: { customer: { id: string } } }).createCustomer.customer;
    const person: Person = { id, email, tried: [] };
    this.#own.push(person);
    this.#tally.people.push(person);
  }

  async #update(person: Person): Promise<void> {
    const email = this.#address();
    const input = { customerId: person.id, email };
    person.tried.push(email);
    const answer = await this.#write({
      token: this.#callers.app,
      purpose: 'SUPPORT',
      document: update,
      variables: { input },
    });
    if (!answer) return;
    person.email = email;
    person.tried = [];
  }

  async #grantAndWithdraw(person: Person): Promise<void> {
    const agent = `${this.#name}-agent-${this.#count}`;
    const reason = `for ${this.#address()}`;
    const input = { purpose: 'SUPPORT', granteeKind: 'PRINCIPAL', grantee: agent, reason };
    const given = await this.#write({ token: this.#callers.admin, document: grant, variables: { input } });
    if (!given) return;
    this.#tally.grants.add(reason);
    const { id } = (given.data as { grantPurpose: { grant: { id: string } } }).grantPurpose.grant;
    this.#tally.made.add(id);
    const token = await this.#callers.agent(agent);
    const question = { token, purpose: 'SUPPORT', document: look, variables: { id: person.id } };
    await Promise.all(this.#processes.map((each) => this.#read(question, each)));
    const taken = await this.#write({
      token: this.#callers.admin,
      document: withdraw,
      variables: { input: { id, reason: 'it is over' } },
    });
    if (!taken) return;
    this.#tally.withdrawn.add(reason);
    this.#tally.changed.add(id);
    await this.#mustNotGive(question, [person.email, ...person.tried], 'after an acknowledged withdrawal');
  }

  async #erase(person: Person): Promise<void> {
    const input = { customerId: person.id, grounds: 'CLIENT_INSTRUCTION' };
    this.#own.splice(this.#own.indexOf(person), 1);
    const answer = await this.#write({
      token: this.#callers.admin,
      purpose: 'LEGAL',
      document: erase,
      variables: { input },
    });
    if (!answer) person.mayBeErased = true;
    if (!answer) return;
    const { id } = (answer.data as { requestErasure: { request: { id: string } } }).requestErasure.request;
    person.erasure = id;
    for (let tries = 0; tries < 40; tries++) {
      const state = await this.#read({
        token: this.#callers.admin,
        purpose: 'LEGAL',
        document: stateOf,
        variables: { id },
      });
      const { status } = (state?.data?.erasureRequest ?? {}) as { status?: string };
      if (status === 'COMPLETED') {
        const question = { token: this.#callers.app, purpose: 'SUPPORT', document: look, variables: { id: person.id } };
        await this.#mustNotGive(question, [person.email, ...person.tried], 'after a completed erasure');
        return;
      }
      await sleep(250);
    }
  }

  async #askForTransfer(): Promise<void> {
    const safeguard = `measure ${this.#address()}`;
    const input = {
      recipient: { kind: 'CLIENT' },
      destinationCountry: 'US',
      categories: ['NAME'],
      purposes: ['SUPPORT'],
      mechanism: 'SCC',
      sccModule: 4,
      assessment: 'kept with us',
      safeguards: [safeguard],
    };
    const token = this.#callers.admin;
    const asked = await this.#write({ token, document: transfer, variables: { input } });
    if (!asked) return;
    this.#tally.transfers.add(safeguard);
    const { requestTransferApproval } = asked.data as { requestTransferApproval: { approval: { id: string } } };
    this.#tally.made.add(requestTransferApproval.approval.id);
  }

  /**
   * Sends a write under an idempotency key until it is answered. An answer that was lost is asked for again, from any
   * process.
   * @returns nothing where it was refused, or no answer came for long
   */
  async #write(question: Question): Promise<Answer | undefined> {
    this.#count++;
    const headers = { 'idempotency-key': randomUUID() };
    let wasLost = false;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const answer = await this.#ask(this.#anyProcess(), { ...question, headers });
      if (answer.headers?.has('idempotency-replayed')) this.#tally.repeated++;
      if (isDone(answer)) return answer;
      wasLost ||= answer.lost || answer.status >= 500;
      // A process whose clock is behind refuses what another one has done.
      const mayComeYet =
        answer.lost ||
        answer.status >= 500 ||
        answer.codes.some((code) => COMES_YET.has(code) || (wasLost && code === 'PURPOSE_NOT_GRANTED'));
      if (!mayComeYet && answer.write !== 'NOT_DONE') return undefined;
      await sleep(100 + Math.random() * 400);
    }
    this.#tally.unanswered++;
    return undefined;
  }

  async #read(question: Question, process = this.#anyProcess()): Promise<Answer | undefined> {
    const answer = await this.#ask(process, question);
    return isDone(answer) ? answer : undefined;
  }

  async #mustNotGive(question: Question, values: readonly string[], when: string): Promise<void> {
    for (const process of this.#processes) {
      const answer = await this.#ask(process, question);
      if (answer.lost) continue;
      this.#tally.looked++;
      if (values.some((value) => answer.text.includes(value)))
        this.#note(`${process.name} gave ${when}: ${answer.text.slice(0, 300)}`);
    }
  }

  async #ask(process: ServedProcess, question: Question): Promise<Answer> {
    const { generation, isServing } = process;
    const answer = await ask(process, question);
    const { asked, done } = this.#tally;
    this.#tally.asked = asked + 1;
    if (isDone(answer)) {
      this.#tally.done = done + 1;
      return answer;
    }
    const said = answer.lost ? 'no answer' : `${answer.status} ${answer.codes.join(' ')}`;
    this.#tally.refused.set(said, (this.#tally.refused.get(said) ?? 0) + 1);
    const isBroken = answer.lost && isServing && process.generation === generation;
    if (isBroken || answer.status >= 500) this.#tally.failures.push({ at: Date.now(), process: process.name });
    if (isBroken) this.#note(`${process.name} broke off: ${answer.text}`);
    if (!answer.lost && !isRight(answer))
      this.#note(`${process.name}: ${answer.status}, retry-after ${answer.retryAfter}: ${answer.text.slice(0, 400)}`);
    return answer;
  }

  /** A report says what was wrong, not how often. */
  #note(wrong: string): void {
    if (this.#tally.wrong.length < MOST_NOTED) this.#tally.wrong.push(wrong);
  }

  #anyProcess(): ServedProcess {
    const serving = this.#processes.filter(({ isServing }) => isServing);
    return (serving[Math.floor(Math.random() * serving.length)] ?? this.#processes[0]) as ServedProcess;
  }

  #address(): string {
    return `${this.#name}-${this.#count++}-${Math.random().toString(36).slice(2)}@example.org`;
  }
}

/** A fault has a code of faults, status 503 and a time to come back. A refusal that is meant has its own code. */
function isRight({ status, codes, retryAfter }: Answer): boolean {
  if (status === 503) return codes.every((code) => TELLS_OF_FAULTS.has(code)) && retryAfter !== null;
  return codes.length > 0 && codes.every((code) => REFUSALS.has(code));
}

const REFUSALS = new Set([
  'PURPOSE_NOT_GRANTED',
  'NOT_FOUND',
  // A person under erasure is written no more.
  'CONFLICT',
  'PROCESSING_RESTRICTED',
  'TOO_MANY_OPERATIONS',
  'IDEMPOTENCY_KEY_IN_USE',
  'ALREADY_DONE',
]);
