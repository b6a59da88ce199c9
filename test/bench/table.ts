import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './support/installation';
import { type Course, type Measured, ratio, written } from './support/interleaved';
import { median } from './support/load';

/** Servers as the tables name them, in their order. */
const names: Readonly<Record<string, string>> = {
  remit: 'Remit, governed',
  floor: 'hand-written handler',
  'mercurius-jit': 'Mercurius, JIT',
  'mercurius-auth-jit': 'Mercurius, JIT, auth',
  yoga: 'GraphQL Yoga',
  apollo: 'Apollo Server',
  'type-graphql': 'type-graphql, `@Authorized`',
  'graphql-shield': 'graphql-shield on Apollo',
};
const CONNECTIONS = 16;
const pages = ['README.md', 'docs/performance.md'];
const block = /(<!-- beside other servers -->\n)[\s\S]*?(<!-- \/beside other servers -->)/;

interface Results {
  readonly serve?: {
    readonly machine: string;
    readonly at: string;
    readonly load: number;
    readonly measured: readonly Measured[];
  };
}

/** Writes the table of the set `serve` into the pages that show it. */
export function writeTables(results: Results): void {
  const { serve } = results;
  if (!serve) throw new Error('there is no result of the set serve; run npm run bench -- serve first');
  for (const page of pages) {
    const path = join(root, page);
    const text = readFileSync(path, 'utf8');
    if (!block.test(text)) throw new Error(`${page} has no place for the table`);
    writeFileSync(
      path,
      text.replace(block, (_, begin: string, end: string) => `${begin}${tableOf(serve)}${end}`),
    );
  }
}

function tableOf({ machine, at, load, measured }: NonNullable<Results['serve']>): string {
  const works = measured.filter(({ connections, courses }) => {
    return connections === CONNECTIONS && courses.some(({ name }) => name === 'floor');
  });
  const [page] = works.filter(({ work }) => work.includes(' x 5 '));
  const order = [page, ...works.filter((work) => work !== page)].filter((work) => work !== undefined);
  const head = [
    'requests a second',
    ...order.map(({ work }) => work.replace(' x ', ' × ')),
    'Remit ÷ it, the first work',
  ];
  const rows = Object.entries(names).map(([name, title]) => [
    title,
    ...order.map(({ courses }) => throughput(courses, name)),
    name === 'remit' || !page ? '' : written(ratio(page.courses, 'remit', name)),
  ]);
  const rounds = page?.courses[0]?.rounds.length ?? 0;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const when = `${at.slice(0, 10)}, load of the machine ${load.toFixed(0)}`;
  const caption = `${CONNECTIONS} connections, medians of ${rounds} interleaved rounds; ${machine}; ${when}.`;
  return `${line(head)}${line(head.map((_, column) => (column === 0 ? '---' : '---:')))}${rows.map(line).join('')}\n${caption}\n`;
}

const throughput = (courses: readonly Course[], name: string): string => {
  const rounds = courses.find((course) => course.name === name)?.rounds ?? [];
  return Math.round(median(rounds.map((round) => round.throughput))).toLocaleString('en');
};
