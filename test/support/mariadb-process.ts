import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';

/**
 * The server runs under a shell that waits on a pipe from this process. However this process ends, teardown, Ctrl-C
 * or SIGKILL, the pipe closes, and the shell kills the server and removes its folder: no run leaks a server. The word
 * `keep` on the pipe kills the server and leaves the folder, for one that is started again.
 */
const SUPERVISOR = `
"$@" </dev/null >>"$REMIT_TEST_LOG" 2>&1 &
server=$!
echo "$server"
word=$(cat)
kill -9 "$server" 2>/dev/null
wait "$server" 2>/dev/null
[ "$word" = keep ] || rm -rf "$REMIT_TEST_FOLDER"
`;

/** A server refuses to run as root, and so does the rsync between Galera's nodes: root starts them as `nobody`. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** The settings of every server of the tests. */
const SETTINGS = [
  '--bind-address=127.0.0.1',
  '--skip-name-resolve',
  '--character-set-server=utf8mb4',
  '--performance-schema=OFF',
  '--innodb-buffer-pool-size=64M',
  '--innodb-log-file-size=16M',
  // Commits survive a killed server, though not a power cut: crash tests hold, and nothing waits for the disk.
  '--innodb-flush-log-at-trx-commit=2',
  '--max-connections=400',
];

/** The path of an executable on PATH or in the folders where servers are kept, or undefined. */
export function findExecutable(...names: string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/bin'];
  for (const name of names) {
    for (const folder of folders.filter((each) => each !== '')) {
      const path = join(folder, name);
      if (isAccessible(path, constants.X_OK)) return path;
    }
  }
  return undefined;
}

/** Whether this process may use a file. @param mode of `fs.constants`; reading unless told */
export function isAccessible(path: string, mode = constants.R_OK): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Runs a command as the servers run. */
export async function runAsServer(command: string, ...parameters: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(command, parameters, { ...nobody, maxBuffer: 2 ** 26 });
  return stdout + stderr;
}

export interface Installed {
  readonly server: string;
  /** A fresh folder that the server may write to. */
  readonly folder: string;
  readonly data: string;
}

/** Makes an empty server's data in a fresh folder. @returns undefined where MariaDB is not installed */
export async function installData(prefix: string): Promise<Installed | undefined> {
  const server = findExecutable('mariadbd', 'mysqld');
  const install = findExecutable('mariadb-install-db', 'mysql_install_db');
  if (server === undefined || install === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), prefix));
  if (nobody.uid !== undefined) chownSync(folder, nobody.uid, nobody.gid);
  const data = join(folder, 'data');
  await runAsServer(
    install,
    '--no-defaults',
    `--datadir=${data}`,
    `--tmpdir=${folder}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--innodb-log-file-size=16M',
  );
  return { server, folder, data };
}

export interface ServerStart {
  readonly server: string;
  /** What the server keeps beside its data: socket, log, temporary tables. */
  readonly folder: string;
  /** What goes when this process ends: `folder` unless told. */
  readonly removed?: string;
  readonly data: string;
  readonly port: number;
  readonly settings: readonly string[];
}

export interface ServerProcess {
  readonly pid: number;
  readonly version: string;
  /** Kills the server at once (SIGKILL) and keeps its folder. */
  kill(): Promise<void>;
  /** Kills the server and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a server and waits until it answers as root. */
export async function startServer(start: ServerStart): Promise<ServerProcess> {
  const { folder, port } = start;
  const log = join(folder, 'mariadbd.log');
  const supervisor = spawn('sh', ['-c', SUPERVISOR, 'supervisor', start.server, ...parametersOf(start)], {
    ...nobody,
    // A process group of its own, so that Ctrl-C reaches the supervisor only through the pipe.
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, REMIT_TEST_FOLDER: start.removed ?? folder, REMIT_TEST_LOG: log },
  });
  // A supervisor that is killed from outside closes its end too.
  supervisor.stdin.on('error', () => undefined);
  try {
    const pid = Number(String(await once(supervisor.stdout, 'data')));
    const version = await waitUntilReady(port, pid, log);
    supervisor.stdout.destroy();
    supervisor.unref();
    return { pid, version, kill: () => end(supervisor, 'keep\n'), stop: () => end(supervisor) };
  } catch (error) {
    await end(supervisor);
    throw error;
  }
}

/** The command line of a server, which also fits its other ways to run. */
export function parametersOf({ folder, data, port, settings }: Omit<ServerStart, 'server'>): string[] {
  return [
    '--no-defaults',
    `--datadir=${data}`,
    // Servers that share /tmp take each other's temporary tables away when they start.
    `--tmpdir=${folder}`,
    `--socket=${join(folder, 's.sock')}`,
    `--pid-file=${join(folder, 'server.pid')}`,
    `--port=${port}`,
    ...SETTINGS,
    ...settings,
  ];
}

async function end(supervisor: ChildProcess, word?: string): Promise<void> {
  if (supervisor.exitCode !== null || supervisor.signalCode !== null) return;
  const exited = once(supervisor, 'exit');
  supervisor.ref();
  supervisor.stdin?.end(word);
  await exited;
}

const PORT_RANGES = 4;
const PORTS = 4_500;

/**
 * Free loopback ports below those that the system gives to outgoing connections, which would take the port of a server
 * that is down for a moment. Workers of Jest choose from ranges of their own, so that no two choose the same.
 */
export async function freePorts(count: number): Promise<number[]> {
  const first = 12_000 + (Number(process.env.JEST_WORKER_ID ?? 0) % PORT_RANGES) * PORTS;
  const found = new Set<number>();
  while (found.size < count) {
    const port = first + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

async function waitUntilReady(port: number, pid: number, log: string): Promise<string> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' });
      const [rows] = await connection.query('SELECT VERSION() AS version').finally(() => connection.end());
      return String((rows as { version: string }[])[0]?.version);
    } catch (error) {
      if (!isAlive(pid) || Date.now() > deadline) {
        throw new Error(`The tests' MariaDB did not start:\n${readFileSync(log, 'utf8').slice(-4000)}`, {
          cause: error,
        });
      }
      await sleep(50);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
