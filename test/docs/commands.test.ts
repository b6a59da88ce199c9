import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRemit } from '../support/cli';
import { remitHere } from '../support/command';
import { root } from '../support/root';
import { masked, maskedJson } from './masked';
import { type Block, blocksOf, pages, textOf } from './pages';

jest.setTimeout(240_000);

/** Pages whose commands another test runs. */
const elsewhere: Readonly<Record<string, string>> = {
  'docs/keys-backup.md': 'test/commands/keys-runbook.test.ts runs it on each engine',
  'docs/restore.md': 'test/commands/restore-runbook.test.ts runs it on each engine',
  'src/governance/README.md': 'test/packages/library.test.ts installs the package and runs its examples',
  'examples/library/README.md': 'test/packages/library.test.ts installs the package and runs the programs',
};

/** Blocks that are not run here, by their first line, and why. */
const notRun: Readonly<Record<string, string>> = {
  'npm ci && npm run demo': 'installing takes a network; the demo is what all of this runs on',
  'npm ci && npm test': 'is what runs this test',
  'npm ci': 'takes a network',
  'docker build --file deploy/Dockerfile --tag remit .': 'takes an engine; test/faults/image.test.ts runs its steps',
  'GDPRBENCH_PEOPLE=300 GDPRBENCH_OPERATIONS=300 npm test -- test/gdprbench': 'measures; that test runs with fewer',
};

const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts as Record<string, string>;
/** A checkout as far as commands need one: what is built, and the scripts. */
const folder = mkdtempSync(join(tmpdir(), 'remit-docs-'));
const env = {
  PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
  HOME: folder,
  TMPDIR: folder,
  npm_config_update_notifier: 'false',
};
let demo: ChildProcess;
let address = '';
/** What the demo prints before it serves. */
let shown = '';

beforeAll(async () => {
  mkdirSync(join(folder, 'bin'));
  const main = join(root, 'dist/src/main.js');
  writeFileSync(join(folder, 'bin/remit'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
  chmodSync(join(folder, 'bin/remit'), 0o755);
  symlinkSync(join(root, 'dist'), join(folder, 'dist'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'remit', private: true, scripts }));
  const child = startRemit(['demo', '--port', '0'], { cwd: folder, env });
  demo = child;
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the demo ended with ${code}: ${shown}`)));
    child.stderr.on('data', (chunk) => reject(new Error(String(chunk))));
    child.stdout.on('data', (chunk) => {
      shown += chunk;
      address = /^Serving on (http:\S+)\/graphql/m.exec(shown)?.[1] ?? '';
      if (/^The command line on it: /m.test(shown)) resolve();
    });
  });
});

afterAll(async () => {
  const ended = new Promise((resolve) => demo.once('exit', resolve));
  demo.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

/** With DOCS_UPDATE=1 a page is given what its commands print now; read the difference before you commit it. */
const update = process.env.DOCS_UPDATE === '1';

function replace(page: string, before: string, after: string): void {
  writeFileSync(
    join(root, page),
    textOf(page).replace(before, () => (after.endsWith('\n') ? after : `${after}\n`)),
  );
}

interface Step {
  readonly command: string;
  readonly code: number;
  readonly output: Block | undefined;
}

function stepsOf(page: string): Step[] {
  const blocks = blocksOf(textOf(page));
  return blocks.flatMap(({ language, content }, place) => {
    const [first = ''] = content.split('\n');
    if (language !== 'sh' || first in notRun) return [];
    const next = blocks[place + 1];
    const output = next?.follows && ['text', 'json'].includes(next.language) ? next : undefined;
    return { command: content, code: Number(/# exits with (\d)\n$/.exec(content)?.[1] ?? 0), output };
  });
}

/** Runs all steps in one shell, so that what one sets another has; what each printed is kept by itself. */
async function run(steps: readonly Step[]): Promise<Array<{ code: number; stdout: string; stderr: string }>> {
  const outputs = mkdtempSync(join(folder, 'run-'));
  const script = steps.map(({ command }, step) => {
    const here = command.replaceAll('http://127.0.0.1:4000', address);
    return `{\n${here}} >"${outputs}/${step}.out" 2>"${outputs}/${step}.err"\necho $? >"${outputs}/${step}.code"\n`;
  });
  const shell = spawn('bash', ['-o', 'pipefail', '-c', script.join('')], { cwd: folder, env, stdio: 'ignore' });
  await new Promise((resolve) => shell.once('close', resolve));
  const read = (name: string) => readFileSync(join(outputs, name), 'utf8');
  return steps.map((_, step) => ({
    code: Number(read(`${step}.code`)),
    stdout: read(`${step}.out`),
    stderr: read(`${step}.err`),
  }));
}

const withSteps = pages.filter((page) => !(page in elsewhere) && stepsOf(page).length > 0);

test.each(withSteps)('the commands of %s do what it says', async (page) => {
  const steps = stepsOf(page);
  const ran = await run(steps);
  for (const [place, { command, code, output }] of steps.entries()) {
    const { stdout = '', ...rest } = ran[place] ?? {};
    const stderr = code === 0 ? '' : expect.any(String);
    expect({ command, stdout, ...rest }).toEqual({ command, stdout, code, stderr });
    if (output?.language === 'json') {
      expect({ command, said: maskedJson(stdout) }).toEqual({ command, said: maskedJson(output.content) });
    } else if (output) {
      const mask = (text: string) => masked(text, { digits: output.info === 'digits' });
      const said = mask(stdout);
      if (update && said !== mask(output.content)) replace(page, output.content, stdout);
      else expect(`${command}\n${said}`).toBe(`${command}\n${mask(output.content)}`);
    }
  }
});

test('each block that is not run is on a page', () => {
  const first = pages.flatMap((page) => blocksOf(textOf(page)).map(({ content }) => content.split('\n')[0]));
  expect(Object.keys(notRun).filter((line) => !first.includes(line))).toEqual([]);
  expect(Object.keys(elsewhere).filter((page) => !pages.includes(page))).toEqual([]);
});

test('docs/demo.md shows what the demo shows', () => {
  const blocks = blocksOf(textOf('docs/demo.md')).filter(({ language }) => language === 'text');
  expect(blocks.length).toBeGreaterThan(0);
  for (const { content } of blocks) expect(masked(shown)).toContain(masked(content));
});

test('docs/operations.md lists the metrics that the server has', async () => {
  const answer = await fetch(`${address}/metrics`);
  const types = [...(await answer.text()).matchAll(/^# TYPE (remit_\w+) /gm)].map(([, name = '']) => name);
  const [, section = ''] = /^## Metrics\n([\s\S]*?)^## /m.exec(textOf('docs/operations.md')) ?? [];
  const listed = [...section.matchAll(/`(remit_\w+)`/g)].map(([, name = '']) => name);
  expect([...listed].sort()).toEqual([...types].sort());
});

/** The cells of one row of the demo's tables, by its label. */
function cellsOf(label: string): string[] {
  const lines = shown.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`│ ${label} `));
  const length = lines.slice(start).findIndex((line, index) => index > 0 && !/^│ {3}/.test(line));
  const cells = lines.slice(start, start + length).map((line) => line.split('│').slice(2, -1));
  return (cells[0] ?? []).map((_, column) => cells.map((line) => (line[column] ?? '').trim()).join(''));
}

test('the README’s table of who sees what is what the demo shows', () => {
  const [, table = ''] = /<!-- who sees what -->\n([\s\S]*?)<!-- \/who sees what -->/.exec(textOf('README.md')) ?? [];
  const rows = table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) => row.split('|').slice(3, -1));
  const said = rows.map((cells) => cells.map((cell) => cell.trim()));
  expect(said.at(-1)?.every((cell) => cell === 'refused')).toBe(true);
  expect(shown).toContain('Engineer (not instructed), for SECURITY: everything is refused.');
  const customer = ['firstName', 'email', 'postalCode', 'order total', 'mail subject'].map(cellsOf);
  const health = cellsOf('health kind');
  // The tables have callers in columns: the second one leaves out the agent of the other client.
  const callers = [0, 1, 2, 3, 4].map((column) => {
    const [first, second, third, fourth, fifth] = customer.map((cells) => cells[column] ?? '');
    return [first, second, third, fourth, fifth, health[column < 2 ? column : column + 1] ?? ''];
  });
  const inBrief = (cell = '') => {
    if (cell.startsWith('withheld:')) return '—';
    return cell.replace(/(p_|@|[a-z] on|marlene\.gruber).*…$/, '$1…');
  };
  const brief = callers.map((cells) => cells.map(inBrief));
  brief[3]?.splice(5, 1, 'no such field');
  expect(said.slice(0, -1).map((cells) => cells.map(inBrief))).toEqual(brief);
});

/** Commands that stand in running text, in tables and in blocks: `remit erasures run --sweep`. */
function mentioned(): Map<string, Set<string>> {
  const commands = new Map<string, Set<string>>();
  for (const page of pages.filter((name) => name !== 'CHANGELOG.md')) {
    for (const [, words = ''] of textOf(page).matchAll(/(?:`|^\$ |\| |^)remit ((?:[^`\n|>)\\]|\\\n)+)/gm)) {
      const command = /^[a-z]+(?: [a-z]+(?:-[a-z]+)*)*(?= |$)/.exec(words)?.[0] ?? '';
      const options = [...words.matchAll(/--[a-z-]+/g)].map(([option]) => option);
      commands.set(command, new Set([...(commands.get(command) ?? []), ...options]));
    }
  }
  return commands;
}

test('every command and option that a page mentions is there', async () => {
  const faults: string[] = [];
  for (const [words, options] of mentioned()) {
    // What follows a command may be its argument: remit audit report processing-record.
    const path = words.split(' ', 2).filter((word) => word !== '');
    const { code, stdout } = await remitHere([...path, '--help'], { cwd: folder, env });
    if (code !== 0) faults.push(`remit ${words}`);
    for (const option of options) {
      if (!['--demo', '--help'].includes(option) && !stdout.includes(option)) faults.push(`remit ${words} ${option}`);
    }
  }
  expect(faults).toEqual([]);
});

test('every script that a page mentions is in package.json', () => {
  const named = pages.flatMap((page) => [...textOf(page).matchAll(/npm run (?:--silent )?([\w:-]+)/g)]);
  expect(named.map(([, name]) => name).filter((name) => name === undefined || !(name in scripts))).toEqual([]);
});
