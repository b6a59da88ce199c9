import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './support/installation';
import { type Course, type Measured, type Ratios, ratio, written } from './support/interleaved';
import { median, type Spread } from './support/load';
import { BY_ID_NAME, LOOK_UP_NAME, PAGE_NAME, WIDE_NAME } from './support/work';

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
const AT = `${CONNECTIONS} connections`;
const works = [PAGE_NAME, BY_ID_NAME, LOOK_UP_NAME, WIDE_NAME];

/** What a set left: where and when it was measured, and what it found. */
interface Kept {
  readonly machine: string;
  readonly at: string;
  readonly load: number;
}

interface Results {
  readonly serve?: Kept & { readonly measured: readonly Measured[] };
  readonly overhead?: Kept & { readonly decisions: { readonly known: Spread } };
  readonly cold?: Kept & { readonly starts: Readonly<Record<string, Spread>> };
  readonly audit?: Kept;
  readonly ratios?: Readonly<Record<string, Ratios>>;
}

type SetName = 'serve' | 'overhead' | 'cold' | 'audit';

/** One line of the table of ratios. */
interface Line {
  readonly title: string;
  readonly set: SetName;
  readonly aim: string;
  readonly of: (results: Results) => Spread | undefined;
  readonly write?: (spread: Spread) => string;
}

const ofRatio = (set: SetName, name: string, title: string, aim: string): Line => ({
  title,
  set,
  aim,
  of: ({ ratios }) => ratios?.[set]?.[name],
});
const beside = (peer: string, work: string, title: string, aim: string, connections = AT): Line =>
  ofRatio('serve', `governed Remit / ${peer}, ${work}, ${connections}`, title, aim);
const rounded =
  (unit: string, scale = 1, digits = 0) =>
  ({ median: middle, min, max }: Spread): string => {
    const [a, b, c] = [middle, min, max].map((value) => (value * scale).toFixed(digits));
    return `${a} ${unit} (${b}–${c})`;
  };

const lines: readonly Line[] = [
  beside('floor', PAGE_NAME, 'Remit ÷ hand-written handler, page', '≥ 1.2'),
  beside('mercurius-jit', PAGE_NAME, 'Remit ÷ Mercurius with JIT, page', '≥ 1.2'),
  beside('mercurius-jit', BY_ID_NAME, '… one by id', '≥ 0.55'),
  beside('mercurius-jit', BY_ID_NAME, '… one by id, 64 connections', '≥ 0.8', '64 connections'),
  beside('mercurius-jit', LOOK_UP_NAME, '… look-up by e-mail', '≥ 0.55'),
  beside('mercurius-jit', WIDE_NAME, '… 200 customers × 12 fields', '≥ 0.9'),
  beside('yoga', PAGE_NAME, 'Remit ÷ Yoga, page', '≥ 2.5'),
  beside('apollo', PAGE_NAME, 'Remit ÷ Apollo Server, page', '≥ 3'),
  beside('graphql-shield', PAGE_NAME, 'Remit ÷ graphql-shield, page', '≥ 4'),
  ofRatio('serve', `half withheld / none, page, ${AT}`, 'half of the fields withheld ÷ none, page', '≥ 1'),
  ofRatio('overhead', `governed / ungoverned, ${PAGE_NAME}, ${AT}`, 'governed ÷ ungoverned Remit, page', '≥ 0.95'),
  ofRatio('overhead', `governed / ungoverned, ${BY_ID_NAME}, ${AT}`, '… one by id', '≥ 0.95'),
  ofRatio('audit', `ledger on / off, 20 customers x 12 fields, ${AT}`, 'ledger on ÷ off, 20 × 12', '≥ 0.9'),
  ofRatio('overhead', `first reads / remembered, ${PAGE_NAME}, ${AT}`, 'first reads ÷ remembered, page', '≥ 0.85'),
  ofRatio('overhead', `first reads / remembered, ${WIDE_NAME}, ${AT}`, '… 200 × 12', '≥ 0.6'),
  ofRatio(
    'cold',
    `governed Remit / mercurius-jit, new documents, ${PAGE_NAME}, ${AT}`,
    'new documents ÷ Mercurius, page',
    '≥ 0.9',
  ),
  {
    title: 'decision for a cached plan',
    set: 'overhead',
    aim: '< 1 µs',
    of: ({ overhead }) => overhead?.decisions.known,
    write: rounded('µs', 1, 2),
  },
  {
    title: 'from the start of the process to the first right answer',
    set: 'cold',
    aim: '≤ 0.9 s',
    of: ({ cold }) => cold?.starts.milliseconds,
    write: rounded('s', 1 / 1_000, 2),
  },
  {
    title: 'memory of an idle server',
    set: 'cold',
    aim: '≤ 110 MiB',
    of: ({ cold }) => cold?.starts['idle, MiB'],
    write: rounded('MiB'),
  },
  {
    title: 'most memory ÷ Mercurius, after the same works',
    set: 'serve',
    aim: '≤ 2',
    of: ({ ratios }) => ratios?.serve?.['peak memory, Remit / mercurius-jit'],
    write: ({ median: once }) => once.toFixed(2),
  },
];

/** Writes the tables of the sets `serve`, `overhead`, `audit` and `cold` into the pages that show them. */
export function writeTables(results: Results): void {
  const { serve } = results;
  if (!serve) throw new Error('there is no result of the set serve; run npm run bench -- serve first');
  replace('README.md', 'beside other servers', tableOf(serve));
  replace('docs/performance.md', 'beside other servers', tableOf(serve));
  replace('docs/performance.md', 'ratios', ratiosOf(results));
}

function replace(page: string, name: string, table: string): void {
  const path = join(root, page);
  const text = readFileSync(path, 'utf8');
  const block = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
  if (!block.test(text)) throw new Error(`${page} has no place for the table "${name}"`);
  writeFileSync(
    path,
    text.replace(block, (_, begin: string, end: string) => `${begin}${table}${end}`),
  );
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
const under = (head: readonly string[]) => line(head.map((_, column) => (column === 0 ? '---' : '---:')));
/** A range is written with a dash. */
const dashed = (text: string) => text.replace(/(\d)-(\d)/g, '$1–$2');
const where = ({ machine, at, load }: Kept) =>
  `${machine.replaceAll(/ (?:Processor|\(with [^)]*\))/g, '')}; ${at.slice(0, 10)}, load ${load.toFixed(0)}`;

function tableOf(serve: NonNullable<Results['serve']>): string {
  const order = works.flatMap((name) =>
    serve.measured.filter(({ work, connections }) => work === name && connections === CONNECTIONS),
  );
  const [page] = order;
  if (!page) throw new Error(`the set serve was not measured at ${AT}; run npm run bench -- serve`);
  const measured = Object.entries(names).filter(([name]) => page.courses.some((course) => course.name === name));
  const head = [
    'requests a second',
    ...order.map(({ work }) => work.replace(' x ', ' × ')),
    'Remit ÷ it, the first work',
  ];
  const rows = measured.map(([name, title]) => [
    title,
    ...order.map(({ courses }) => throughput(courses, name)),
    name === 'remit' ? '' : dashed(written(ratio(page.courses, 'remit', name))),
  ]);
  const rounds = page.courses[0]?.rounds.length ?? 0;
  const caption = `${AT}, medians of ${rounds} interleaved rounds; ${where(serve)}.`;
  return `${line(head)}${under(head)}${rows.map(line).join('')}\n${caption}\n`;
}

const throughput = (courses: readonly Course[], name: string): string => {
  const rounds = courses.find((course) => course.name === name)?.rounds ?? [];
  return Math.round(median(rounds.map((round) => round.throughput))).toLocaleString('en');
};

function ratiosOf(results: Results): string {
  const head = ['what', 'measured', 'aim', 'set'];
  const rows = lines.map(({ title, set, aim, of, write = written }) => {
    const found = of(results);
    if (!found) throw new Error(`there is no result of "${title}"; run npm run bench -- ${set} first`);
    return [title, dashed(write(found)), aim, `\`${set}\``];
  });
  const sets = [...new Set(lines.map(({ set }) => set))];
  const captions = sets.flatMap((set) => (results[set] ? [`\`${set}\`: ${where(results[set])}`] : []));
  return `${line(head)}${under(head)}${rows.map(line).join('')}\n${captions.join('.\n')}.\n`;
}
