import { performance } from 'node:perf_hooks';

/** Somebody who takes turns with others, and may have to pause. Times are those of `performance.now()`. */
export interface Member {
  readonly name: string;
  running: number;
  /** How many of those that run are dear: they keep the process for long. */
  dear: number;
  /** When it asked last, or was still waiting. */
  askedAt: number;
  /** When it may run again. */
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
  readonly group: Group;
  /** Operations that wait for their turn, oldest first. */
  readonly waiting: Array<() => void>;
  /** Operations that run and are dear, and wait until they may go on. */
  readonly held: Array<() => void>;
}

/** A client with its principals; who belongs to no client is one alone. */
export interface Group extends Member {
  readonly queues: Map<string, Queue>;
  /** Those of which something waits, in the order of their turns. */
  readonly line: Set<Queue>;
  readonly turns: Turns;
  /** What it took lately. */
  readonly usage: Usage;
  /** For how long it kept the process to itself lately. */
  readonly blocked: Usage;
}

const newMember = (name: string): Member => ({
  ...{ name, running: 0, dear: 0, askedAt: Number.NEGATIVE_INFINITY, restsUntil: 0, sparesUntil: 0 },
  ...{ wakesAt: Number.POSITIVE_INFINITY, allowance: new Allowance() },
});

export const newQueue = (name: string, group: Group): Queue => ({ ...newMember(name), group, waiting: [], held: [] });

export const newGroup = (name: string): Group => ({
  ...{ ...newMember(name), queues: new Map<string, Queue>(), line: new Set<Queue>() },
  ...{ turns: new Turns(), usage: new Usage(), blocked: new Usage() },
});

const LONGEST_REST_MS = 500;
/** Dear operations may wait longer than others, and well below the time in which they must be answered. */
const LONGEST_SPARING_MS = 2_000;

/** Nothing of a member's runs for a while, where others ask. */
export function rest(member: Member, milliseconds: number): void {
  const now = performance.now();
  const left = Math.max(member.restsUntil - now, 0) + milliseconds;
  member.restsUntil = now + Math.min(left, LONGEST_REST_MS);
}

/** Dear operations wait, and nothing else does. */
export function spare(member: Member, milliseconds: number): void {
  member.sparesUntil = performance.now() + Math.min(milliseconds, LONGEST_SPARING_MS);
}

/** Whether nothing keeps even its dear operations. */
export const isRested = ({ restsUntil, sparesUntil }: Member, now: number): boolean =>
  Math.max(restsUntil, sparesUntil) <= now;

/** Who asked within this time asks still. Milliseconds. */
const ASKING_MS = 1_000;

/** Whether nothing of a member's runs or rests, and it asks no longer. */
export const isIdle = (member: Member, now: number): boolean =>
  member.running === 0 && isRested(member, now) && now - member.askedAt > ASKING_MS;

/** Notices who asks beside whom. */
export class Turns {
  #last: Member | undefined;
  /** When somebody other than the last one asked. */
  #othersAt = Number.NEGATIVE_INFINITY;

  /** To be told of each who asks, and again of each who still waits. It says itself when. */
  asks(member: Member): void {
    if (this.#last === member) return;
    this.#othersAt = this.#last?.askedAt ?? Number.NEGATIVE_INFINITY;
    this.#last = member;
  }

  /** Whether others ask beside a member. One that waits for long must not take their asking for over. */
  othersBeside(member: Member, now: number): boolean {
    const at = this.#last === member ? this.#othersAt : (this.#last?.askedAt ?? Number.NEGATIVE_INFINITY);
    return now - at < ASKING_MS;
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
