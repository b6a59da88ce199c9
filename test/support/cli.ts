import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from './root';

const main = join(root, 'dist/src/main.js');
const support = join(root, 'test/support');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  readonly input?: string;
  readonly nodeOptions?: readonly string[];
}

/** Starts the built command line as a user does, with nothing of this process's environment but PATH. */
export function startRemit(words: readonly string[], { cwd, env = {}, nodeOptions = [] }: RunOptions) {
  if (!existsSync(main)) throw new Error('dist/src/main.js is missing: run npm run build');
  const { PATH, REMIT_TEST_STATEMENTS } = process.env;
  // As in the tests' own processes: test/projects/project.js.
  const recorder = REMIT_TEST_STATEMENTS === undefined ? [] : ['statements/record.js'];
  const required = ['graphql-of-production.js', ...recorder].map((file) => `--require=${join(support, file)}`);
  return spawn(process.execPath, [...nodeOptions, ...required, main, ...words], {
    cwd,
    env: { PATH, REMIT_TEST_STATEMENTS, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs the built command line to its end. */
export async function remit(words: readonly string[], options: RunOptions): Promise<Run> {
  const child = startRemit(words, options);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr };
}
