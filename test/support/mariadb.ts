import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';

export interface TestServer {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/**
 * The server runs under a shell that waits on a pipe from this process. However this process ends, teardown, Ctrl-C
 * or SIGKILL, the pipe closes, and the shell kills the server and removes its folder: no run leaks a server.
 */
const SUPERVISOR = `
"$@" </dev/null >"$REMIT_TEST_FOLDER/mariadbd.log" 2>&1 &
server=$!
echo "$server"
cat >/dev/null
kill -9 "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$REMIT_TEST_FOLDER"
`;

/** The path of an executable on PATH or in the folders where servers are kept, or undefined. */
export function findExecutable(...names: string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/bin'];
  for (const name of names) {
    for (const folder of folders.filter((each) => each !== '')) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not here: look further
      }
    }
  }
  return undefined;
}

/** Starts a MariaDB of our own in a fresh folder on a free loopback port; undefined where none is installed. */
export async function startMariaDb(...settings: string[]): Promise<TestServer | undefined> {
  const server = findExecutable('mariadbd', 'mysqld');
  const install = findExecutable('mariadb-install-db', 'mysql_install_db');
  if (server === undefined || install === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'remit-mariadb-'));
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  const data = join(folder, 'data');
  await promisify(execFile)(install, [
    '--no-defaults',
    `--datadir=${data}`,
    `--tmpdir=${folder}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--innodb-log-file-size=16M',
    ...asRoot,
  ]);
  const port = await freePort();
  const supervisor = spawn(
    'sh',
    [
      '-c',
      SUPERVISOR,
      'supervisor',
      server,
      '--no-defaults',
      ...asRoot,
      `--datadir=${data}`,
      // Servers that share /tmp take each other's temporary tables away when they start.
      `--tmpdir=${folder}`,
      `--socket=${join(folder, 's.sock')}`,
      `--pid-file=${join(folder, 'server.pid')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--skip-log-bin',
      '--character-set-server=utf8mb4',
      '--performance-schema=OFF',
      '--innodb-buffer-pool-size=64M',
      '--innodb-log-file-size=16M',
      // Commits survive a killed server, though not a power cut: crash tests hold, and nothing waits for the disk.
      '--innodb-flush-log-at-trx-commit=2',
      '--max-connections=400',
      ...settings,
    ],
    // A process group of its own, so that Ctrl-C reaches the supervisor only through the pipe.
    { detached: true, stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, REMIT_TEST_FOLDER: folder } },
  );
  const stop = () => stopSupervisor(supervisor);
  try {
    const pid = Number(String(await once(supervisor.stdout, 'data')));
    const version = await waitUntilReady(port, pid, join(folder, 'mariadbd.log'));
    supervisor.stdout.destroy();
    supervisor.unref();
    return { url: `mysql://root@127.0.0.1:${port}/`, version, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function stopSupervisor(supervisor: ChildProcess): Promise<void> {
  if (supervisor.exitCode !== null) return;
  const exited = once(supervisor, 'exit');
  supervisor.ref();
  supervisor.stdin?.destroy();
  await exited;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free loopback port');
  return address.port;
}

async function waitUntilReady(port: number, pid: number, log: string): Promise<string> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' });
      const [rows] = await connection.query('SELECT VERSION() AS version');
      await connection.end();
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
  } catch {
    return false;
  }
}
