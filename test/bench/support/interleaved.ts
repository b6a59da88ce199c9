import { type Asked, loadWith, type Measurement, median, type Spread, spread, warm } from './load';
import type { ServerProcess } from './server-process';

/** One of those that are compared: a server and what it is asked. */
export interface Contestant {
  readonly name: string;
  readonly server: ServerProcess;
  readonly asked: readonly Asked[];
}

/** What a contestant did, round by round. */
export interface Course {
  readonly name: string;
  readonly rounds: readonly Measurement[];
}

/** What was measured of one work. */
export interface Measured {
  readonly work: string;
  readonly connections: number;
  readonly courses: readonly Course[];
}

interface Length {
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
}

/** Measures one work at each number of connections, and prints it; all are warmed up first. */
export async function compare(
  work: string,
  contestants: readonly Contestant[],
  { connections: counts, ...length }: Length,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const { server, asked } of contestants) await warm(server, asked, Math.max(...counts));
  for (const connections of counts) {
    const courses = await interleave(contestants, connections, length);
    printCourses(`${work}, ${connections} connections`, courses);
    measured.push({ work, connections, courses });
  }
  return measured;
}

/**
 * Loads all in turn, round after round: what else the machine does falls on all of them. Each round begins with another
 * one.
 */
async function interleave(
  contestants: readonly Contestant[],
  connections: number,
  { rounds, seconds }: Omit<Length, 'connections'>,
): Promise<Course[]> {
  const courses = contestants.map(({ name }) => ({ name, rounds: [] as Measurement[] }));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const place = (round + turn) % contestants.length;
      const contestant = contestants[place];
      if (!contestant) continue;
      courses[place]?.rounds.push(await loadWith(contestant.server, contestant.asked, connections, seconds));
    }
  }
  return courses;
}

/** One contestant's throughput over another's, of the same round each time. */
export function ratio(courses: readonly Course[], of: string, over: string): Spread {
  const [above, below] = [of, over].map((name) => {
    const found = courses.find((course) => course.name === name);
    if (!found) throw new Error(`${name} was not measured`);
    return found.rounds;
  });
  return spread((above ?? []).map((one, round) => one.throughput / (below?.[round]?.throughput ?? Number.NaN)));
}

/** At how many connections ratios are stated: 16, or the most that were asked for. */
export const statedAt = (counts: readonly number[]): number => (counts.includes(16) ? 16 : Math.max(...counts));

/** Prints what each contestant did, and how the first compares. */
function printCourses(title: string, courses: readonly Course[]): void {
  const [first] = courses;
  process.stdout.write(`\n${title} (median of ${first?.rounds.length} rounds)\n`);
  for (const { name, rounds } of courses) {
    const middle = (figure: keyof Measurement) => median(rounds.map((round) => round[figure]));
    const figures = [
      name.padEnd(26),
      `${Math.round(middle('throughput'))} req/s`.padStart(12),
      `p50 ${middle('p50')} ms`.padStart(10),
      `p99 ${middle('p99')} ms`.padStart(11),
      `cpu ${Math.round(middle('cpuPerRequest'))} us`.padStart(13),
      first && name !== first.name ? `${first.name} / it ${written(ratio(courses, first.name, name))}` : '',
    ];
    process.stdout.write(`  ${figures.join('  ').trimEnd()}\n`);
  }
}

/** A median with its extremes, as tables give it. */
export const written = ({ median: middle, min, max }: Spread): string =>
  `${middle.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`;

/** What is compared at the end of a set, by what it says. */
export type Ratios = Record<string, Spread>;

export function printRatios(ratios: Ratios): void {
  process.stdout.write('\nratios, median (min-max)\n');
  for (const [name, value] of Object.entries(ratios)) process.stdout.write(`  ${name}: ${written(value)}\n`);
}
