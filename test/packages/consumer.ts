import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** Packs the library as it would be published: built from a copy, since other tests read the sources. */
export async function packLibrary(): Promise<Tarball> {
  const copy = mkdtempSync(join(tmpdir(), 'remit-library-'));
  const folder = join(copy, 'src/governance');
  cpSync(join(root, 'src/governance'), folder, { recursive: true, filter: (path) => !path.endsWith('/dist') });
  cpSync(join(root, 'LICENSE'), join(copy, 'LICENSE'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return pack(folder);
}

/** Packs the server, as it is built now. */
export const packServer = (): Promise<Tarball> => pack(root, '--ignore-scripts');

async function pack(cwd: string, ...options: string[]): Promise<Tarball> {
  const into = mkdtempSync(join(tmpdir(), 'remit-pack-'));
  const words = ['pack', '--json', '--pack-destination', into, ...options];
  const { stdout } = await run('npm', words, { cwd, env: environment, maxBuffer: 64 * 1024 * 1024 });
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
