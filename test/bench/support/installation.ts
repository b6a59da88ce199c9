import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';

const run = promisify(execFile);
/** The product's root, from test/bench/dist/support. */
export const root = join(__dirname, '..', '..', '..', '..');

/** The command line of a built checkout. */
export const mainOf = (checkout: string): string => join(checkout, 'dist', 'src', 'main.js');

/** A MariaDB and a Remit installation of the benchmark's own, in a temporary folder. */
export interface Installation {
  readonly folder: string;
  /** Of Remit's data, its keys, and of the plain copy that the others read. */
  readonly urls: { readonly data: string; readonly keys: string; readonly plain: string };
  readonly env: NodeJS.ProcessEnv;
  /** Runs a command of Remit's and returns what it prints. */
  remit(...args: string[]): Promise<string>;
  /**
   * Another installation in databases and a folder of its own, on the same MariaDB; it goes with this one.
   * @param checkout the build whose installation it is; this one unless told
   */
  sibling(name: string, checkout?: string): Promise<Installation>;
  remove(): Promise<void>;
}

export async function install(): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-bench-'));
  const port = await freePort();
  const stop = await startMariaDb(folder, port);
  return installOn({ server: `mysql://root@127.0.0.1:${port}`, checkout: root }, folder, 'remit', async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
}

async function installOn(
  { server, checkout }: { readonly server: string; readonly checkout: string },
  folder: string,
  name: string,
  remove: () => Promise<void>,
): Promise<Installation> {
  const names = { data: name, keys: `${name}_keys`, plain: `${name}_plain` };
  const connection = await createConnection(server);
  for (const database of Object.values(names)) await connection.query(`CREATE DATABASE ${database}`);
  await connection.end();
  const urls = { data: `${server}/${names.data}`, keys: `${server}/${names.keys}`, plain: `${server}/${names.plain}` };
  const env = {
    DATABASE_URL: urls.data,
    KEYS_DATABASE_URL: urls.keys,
    LOG_LEVEL: 'info',
    NODE_ENV: 'development',
    PORT: '0',
  };
  const remit = async (...args: string[]) => {
    const { stdout } = await run(process.execPath, [mainOf(checkout), ...args], {
      env: { ...process.env, ...env },
      cwd: folder,
      maxBuffer: 1 << 26,
    });
    return stdout;
  };
  await remit('migrate');
  const sibling = async (other: string, from = checkout) => {
    const own = join(folder, other);
    mkdirSync(own);
    return installOn({ server, checkout: from }, own, other, async () => undefined);
  };
  return { folder, urls, env, remit, sibling, remove };
}

async function startMariaDb(folder: string, port: number): Promise<() => Promise<void>> {
  const data = join(folder, 'mariadb');
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  await run('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...asRoot,
  ]);
  const settings = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'sock')}`,
    `--tmpdir=${folder}`,
    '--innodb-buffer-pool-size=1G',
    '--max-prepared-stmt-count=100000',
    ...asRoot,
  ];
  const server = spawn(mariadbd(), settings, { stdio: 'ignore' });
  process.once('exit', () => server.kill('SIGKILL'));
  for (let attempt = 0; ; attempt++) {
    try {
      await (await createConnection(`mysql://root@127.0.0.1:${port}`)).end();
      break;
    } catch (error) {
      if (attempt === 150) throw error;
      await sleep(200);
    }
  }
  return async () => {
    const gone = once(server, 'exit');
    server.kill('SIGTERM');
    await gone;
  };
}

function mariadbd(): string {
  for (const path of ['/usr/sbin/mariadbd', '/usr/bin/mariadbd', '/usr/local/sbin/mariadbd']) {
    try {
      accessSync(path);
      return path;
    } catch {
      // not here
    }
  }
  return 'mariadbd';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** What the numbers were measured on. */
export function machine(): string {
  const model = /model name\s*: (.+)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
  const cores = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm)?.length ?? 0;
  return `${cores} x ${model}, Node ${process.version}`;
}
