import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../support/root';

const run = promisify(execFile);

/** What `npm pack` made, and what is in it. */
export interface Tarball {
  readonly path: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly string[];
}

/** Packs a package of this repository, as it would be published; without its scripts, as it is built now. */
export async function pack(folder: string, ...options: string[]): Promise<Tarball> {
  const into = mkdtempSync(join(tmpdir(), 'remit-pack-'));
  const words = ['pack', folder, '--json', '--pack-destination', into, ...options];
  const { stdout } = await run('npm', words, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  // What a package's own scripts print stands before.
  const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[/m))) as Array<{
    filename: string;
    size: number;
    unpackedSize: number;
    files: Array<{ path: string }>;
  }>;
  if (!packed) throw new Error('npm pack made nothing');
  const { filename, size, unpackedSize, files } = packed;
  return { path: join(into, filename), size, unpackedSize, files: files.map(({ path }) => path) };
}

/** A project of somebody else's, outside this repository's own modules. */
export interface Consumer {
  readonly folder: string;
  npm(...words: string[]): Promise<string>;
  node(...words: string[]): Promise<string>;
}

/**
 * A project with these dependencies from the registry and the tarball. What comes from the registry is installed once,
 * and kept where `npm ci` removes it.
 */
export async function consumerWith(dependencies: Record<string, string>, tarball: Tarball): Promise<Consumer> {
  const manifest = JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies }, null, 2);
  const name = createHash('sha256').update(manifest).digest('hex').slice(0, 16);
  const kept = join(root, 'node_modules/.cache/remit-consumers', name);
  if (!existsSync(join(kept, 'installed'))) {
    rmSync(kept, { recursive: true, force: true });
    mkdirSync(kept, { recursive: true });
    writeFileSync(join(kept, 'package.json'), manifest);
    await install(kept);
    writeFileSync(join(kept, 'installed'), '');
  }
  const folder = mkdtempSync(join(tmpdir(), 'remit-consumer-'));
  cpSync(kept, folder, { recursive: true, verbatimSymlinks: true });
  const call = async (command: string, words: readonly string[]) =>
    (await run(command, words, { cwd: folder, env: environment })).stdout;
  await call('npm', ['install', '--offline', ...quietly, tarball.path]);
  return {
    folder,
    npm: (...words) => call('npm', words),
    node: (...words) => call(process.execPath, words),
  };
}

const quietly = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
// NODE_ENV of a test, and what npm tells its scripts, is nothing to a consumer.
const environment = { PATH: process.env.PATH, HOME: process.env.HOME };

const install = (cwd: string) => run('npm', ['install', ...quietly, '--fetch-retries=1'], { cwd, env: environment });

/** Whether a failure says that the registry cannot be reached from here. */
export const isUnreachable = (error: unknown): boolean =>
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|network/i.test(
    String((error as { stderr?: string }).stderr ?? error),
  );
