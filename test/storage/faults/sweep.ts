import { randomUUID } from 'node:crypto';
import { entryOf } from '../../../src/audit/log/entry';
import type { GovernedResult } from '../../../src/governance/govern';
import { CHANGE_FAILED } from '../../../src/identity/change-recorder';
import { alongside, type Companion } from '../../../src/storage/companions';
import { isInSteps } from '../../../src/storage/write-outcome';
import type { Asker } from '../../support/app';
import { type Act, acts, nameOf } from './acts';
import type { Faults } from './faults';
import { difference, type Rows } from './rows';
import type { World } from './world';

/** What a mutation changes when nothing fails, and how many statements it takes. */
interface Undisturbed {
  readonly change: string;
  readonly statements: number;
  /** Of each transaction whether the mutation says that it has more to do: then it can be done in part. */
  readonly commits: readonly boolean[];
}

export interface Trial {
  /** An act. */
  readonly mutation: string;
  readonly kind: string;
  readonly at: number;
}

/** What a trial came to. */
export interface Verdict extends Trial {
  /** `DONE` where it was acknowledged; else what the error says of the write. */
  readonly told: string;
  readonly isThere: boolean;
  /** What is wrong, in words. */
  readonly faults: readonly string[];
}

interface Stored {
  readonly data: Rows;
  readonly keys: Rows;
}

/** Lets each statement of each mutation fail, and compares what was answered with what is there. */
export class Sweep {
  readonly #world: World;
  readonly #faults: Faults;
  readonly #stored: Stored;
  readonly #undisturbed = new Map<string, Undisturbed>();

  constructor(world: World, faults: Faults, stored: Stored) {
    this.#world = world;
    this.#faults = faults;
    this.#stored = stored;
  }

  /** Every trial of an act: each kind of fault at each statement. */
  async trials(mutation: string): Promise<Trial[]> {
    // The first one also makes what all of its kind share, such as a client's row of versions.
    await this.#undisturbedBy(mutation);
    const undisturbed = await this.#undisturbedBy(mutation);
    this.#undisturbed.set(mutation, undisturbed);
    return this.#faults.kinds.flatMap((kind) =>
      Array.from({ length: undisturbed.statements }, (_, index) => ({ mutation, kind, at: index + 1 })),
    );
  }

  async #undisturbedBy(mutation: string): Promise<Undisturbed> {
    const { by, input } = await this.#ready(mutation);
    const before = await this.#read();
    this.#faults.arm('NONE', Number.POSITIVE_INFINITY);
    const commits: boolean[] = [];
    const counting: Companion = {
      isOfEach: true,
      isFor: () => true,
      write: async () => void commits.push(isInSteps()),
    };
    const { result } = await alongside(counting, () => this.#world.send(by, mutation, input, randomUUID()));
    const { count: statements } = this.#faults.disarm();
    if (result.errors) throw new Error(`${mutation} fails undisturbed: ${JSON.stringify(result.errors)}`);
    const change = difference(before, await this.#read());
    if (change === '') throw new Error(`${mutation} changes nothing: nothing can be seen of it`);
    return { change, statements, commits };
  }

  /** Mutations of several transactions that do not say so by `inSteps`. To be asked after {@link trials}. */
  unsaid(): string[] {
    return [...this.#undisturbed].flatMap(([mutation, { commits }]) =>
      commits.length > 1 && commits.includes(false) ? `${mutation}: ${commits.length} transactions` : [],
    );
  }

  /** Rows of the data, and the records of erasures in the keys' store. */
  async #read(): Promise<Table> {
    return new Map([...(await this.#stored.data.read()), ...(await this.#stored.keys.read())]);
  }

  async run({ mutation, kind, at }: Trial): Promise<Verdict> {
    const { by, input } = await this.#ready(mutation);
    const before = await this.#read();
    const entriesBefore = (await this.#stored.data.entries()).length;
    this.#faults.arm(kind, at);
    // What fails before the execution begins is answered by the server, and nothing was done.
    const unbegun = { data: undefined, errors: [{ extensions: { write: 'NOT_DONE' } }] };
    const key = randomUUID();
    const result = await this.#world.send(by, mutation, input, key).catch(() => unbegun);
    const { struck = '' } = this.#faults.disarm();
    const change = difference(before, await this.#read());
    const told = toldBy(result.errors, result.data?.[nameOf(mutation)]);
    const { change: whole, commits } = this.#undisturbed.get(mutation) as Undisturbed;
    const inSteps = commits.includes(true);
    const isThere = change === whole;
    const faults: string[] = [];
    const isPart = inSteps && isWithin(change, whole);
    if (change !== '' && !isThere && !isPart) faults.push(`half done: ${change} instead of ${whole}`);
    if (told === 'DONE' && !this.#isDone(mutation, change))
      faults.push(`told DONE, and it is not there: ${change} instead of ${whole}`);
    if (told === 'NOT_DONE' && change !== '') faults.push(`told NOT_DONE, and there is: ${change}`);
    if (told === 'UNKNOWN' && (!/^COMMIT/.test(struck) || /^(FULL|DEADLOCK)$/.test(kind)))
      faults.push(`told UNKNOWN, though it can be known: ${struck.slice(0, 60)}`);
    if (told === 'PARTLY' && (!inSteps || isThere || change === ''))
      faults.push(`told PARTLY, and there is: ${change}`);
    if (!/^(DONE|NOT_DONE|PARTLY|UNKNOWN)$/.test(told)) faults.push(`told ${told}`);
    const kinds = this.#world.entriesOf(mutation);
    const entries = (await this.#stored.data.entries()).slice(entriesBefore).map(entryOf);
    const failures = entries.filter(
      ({ kind: its, details }) => its === CHANGE_FAILED && details?.outcome === undefined,
    );
    const undone = new Set(failures.map(({ details }) => String(details?.entry)));
    const standing = entries.filter(({ id, kind: its }) => kinds.includes(its) && !undone.has(id));
    if (isThere && kinds.length > 0 && standing.length === 0) faults.push('done without an entry');
    // Where nothing can be written any more, the ledger cannot say either that it was not done.
    if (told === 'NOT_DONE' && standing.length > 0 && !/^(AWAY|FULL)$/.test(kind))
      faults.push('not done, with an entry');
    const data = result.errors ? undefined : result.data;
    faults.push(...(await this.#again({ mutation, kind, by, input, key, told, data }, before)));
    return { mutation, kind, at, told, isThere, faults };
  }

  /** Sent again under its key, it is done once altogether; and once more, it changes nothing. */
  async #again({ mutation, kind, by, input, key, told, data }: Sent, before: Table): Promise<string[]> {
    const { change: whole, commits } = this.#undisturbed.get(mutation) as Undisturbed;
    const inSteps = commits.includes(true);
    await this.#world.letLeasesLapse();
    const faults: string[] = [];
    for (const time of ['second', 'third']) {
      const { data: given, errors } = await this.#world.send(by, mutation, input, key);
      const answer = toldBy(errors, given?.[nameOf(mutation)]);
      const change = difference(before, await this.#read());
      const isThere = change === whole;
      // Where the process died, or does not know it itself, its last word is missing under the key.
      const isUnsaid = isThere && (/^(AWAY|FULL)$/.test(kind) || told === 'UNKNOWN');
      const isRight =
        answer === 'PARTLY'
          ? inSteps && change !== '' && (isUnsaid || (!isThere && isWithin(change, whole)))
          : answer === 'DONE' && this.#isDone(mutation, change);
      if (!isRight)
        faults.push(`told ${answer} the ${time} time: ${change} instead of ${whole}; ${JSON.stringify(errors)}`);
      const isTold = errors?.[0]?.extensions?.code === 'ALREADY_DONE';
      const mayBeTold = toldOnly.has(nameOf(mutation)) || answer === 'PARTLY';
      if (isTold ? !mayBeTold : told === 'DONE' && data && JSON.stringify(given) !== JSON.stringify(data))
        faults.push(
          `answered ${JSON.stringify({ given, errors })} the ${time} time instead of ${JSON.stringify(data)}`,
        );
    }
    return faults;
  }

  /** Whether all is there, but for what a task makes up for. */
  #isDone(mutation: string, change: string): boolean {
    const { later } = acts[mutation] as Act;
    const whole = this.#undisturbed.get(mutation)?.change ?? '';
    return change === whole || (later !== undefined && withoutTable(change, later) === withoutTable(whole, later));
  }

  async #ready(mutation: string) {
    const act = acts[mutation] as Act;
    const input = await act.ready(this.#world);
    return { by: typeof act.by === 'function' ? act.by(this.#world) : act.by, input };
  }
}

/** What a trial sent, and its first answer. */
interface Sent {
  readonly mutation: string;
  readonly kind: string;
  readonly by: Asker;
  readonly input: object;
  readonly key: string;
  readonly told: string;
  readonly data: GovernedResult['data'];
}
type Table = Awaited<ReturnType<Rows['read']>>;

/** Mutations whose answer cannot be given twice: one shows a secret, the others are reports. */
const toldOnly: ReadonlySet<string> = new Set(['registerWebhook', 'suspendLegalBasis', 'certifyRecipient']);

const withoutTable = (change: string, table: string): string =>
  change
    .split(', ')
    .filter((one) => !one.startsWith(table))
    .join();

/** Whether a change is a part of another: no table has more of it. */
function isWithin(change: string, whole: string): boolean {
  const most = tablesOf(whole);
  return [...tablesOf(change)].every(([name, { numbers, columns }]) => {
    const all = most.get(name);
    if (!all) return false;
    return numbers.every((n, index) => n <= (all.numbers[index] ?? 0)) && columns.every((c) => all.columns.includes(c));
  });
}

function tablesOf(change: string) {
  const tables = change.matchAll(/(\w+) \+(\d+) -(\d+)(?: \(([\w ]+)\))?/g);
  return new Map(
    [...tables].map(([, name = '', came, went, columns = '']) => [
      name,
      { numbers: [Number(came), Number(went)], columns: columns.split(' ').filter(Boolean) },
    ]),
  );
}

type Errors = ReadonlyArray<{ readonly extensions?: Readonly<Record<string, unknown>> }> | undefined;

function toldBy(errors: Errors, payload: unknown): string {
  const [error] = errors ?? [];
  if (!error) return payload === null || payload === undefined ? 'nothing' : 'DONE';
  return String(error.extensions?.write ?? error.extensions?.code);
}
