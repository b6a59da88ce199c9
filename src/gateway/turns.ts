import { performance } from 'node:perf_hooks';

/** Somebody who takes turns with others, and may have to pause. */
export interface Member {
  running: number;
  /** How many of those that run are dear: they keep the process for long. */
  dear: number;
  /** When it may run again, in milliseconds of `performance.now()`. */
  restsUntil: number;
  /** When its next dear operation may run, if later. */
  sparesUntil: number;
  /** When it is looked at next, if not before. */
  wakesAt: number;
  /** What it may keep the process for by dear operations. */
  readonly allowance: Allowance;
}

/** A principal, or '' for every caller without a token. */
export interface Queue extends Member {
  /** Operations that wait for their turn, oldest first. */
  readonly waiting: Array<() => void>;
  /** Operations that run and are dear, and wait until they may go on. */
  readonly held: Array<() => void>;
}

/** A client with its principals; who belongs to no client is one alone. */
export interface Group extends Member {
  readonly queues: Map<string, Queue>;
  readonly turns: Turns;
  /** What it took lately. */
  readonly usage: Usage;
  /** For how long it kept the process to itself lately. */
  readonly blocked: Usage;
}

const newMember = (): Member => ({
  ...{ running: 0, dear: 0, restsUntil: 0, sparesUntil: 0, wakesAt: Number.POSITIVE_INFINITY },
  allowance: new Allowance(),
});

export const newQueue = (): Queue => ({ ...newMember(), waiting: [], held: [] });

export const newGroup = (): Group => ({
  ...{ ...newMember(), queues: new Map<string, Queue>() },
  ...{ turns: new Turns(), usage: new Usage(), blocked: new Usage() },
});

/** Members compete if the turn passed between two of them within this time. Milliseconds. */
const CONTENDED_MS = 1_000;

/** Notices whether several members ask. */
export class Turns {
  #last: string | undefined;
  #passedAt = Number.NEGATIVE_INFINITY;

  asks(member: string): void {
    if (this.#last !== undefined && this.#last !== member) this.#passedAt = performance.now();
    this.#last = member;
  }

  get contended(): boolean {
    return performance.now() - this.#passedAt < CONTENDED_MS;
  }
}

/** What was taken a second ago counts half. Milliseconds. */
const HALF_LIFE_MS = 1_000;

/** How much of something was taken lately: a sum in which what is older counts less. */
export class Usage {
  #sum = 0;
  #at = performance.now();

  add(milliseconds: number): void {
    this.#sum = this.now() + milliseconds;
    this.#at = performance.now();
  }

  now(): number {
    return this.#sum * 0.5 ** ((performance.now() - this.#at) / HALF_LIFE_MS);
  }
}

/** The part of the time for which a client may keep the process to itself while others ask, and how much at once. */
const PART = 0.01;
const AT_ONCE_MS = 100;

/** An allowance of time in which nobody else is served, as while a new document is validated. */
export class Allowance {
  #left = AT_ONCE_MS;
  #at = performance.now();

  /** @returns for how long to pause, in milliseconds */
  take(milliseconds: number): number {
    const now = performance.now();
    this.#left = Math.min(AT_ONCE_MS, this.#left + (now - this.#at) * PART) - milliseconds;
    this.#at = now;
    return Math.max(0, -this.#left / PART);
  }
}
