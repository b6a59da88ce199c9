import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { freePorts, installData, startServer } from '../support/mariadb-process';

/** Two stores whose every file can be copied. */
export interface ForensicStores {
  readonly name: string;
  readonly keysUrl: string;
  readonly dataUrl: string;
  /** Everything that the stores have written is under it. */
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startEmbedded(): Promise<ForensicStores> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-forensics-'));
  const [keysUrl, dataUrl] = ['keys', 'data'].map((name) => `sqlite:${join(folder, name)}.db`) as [string, string];
  return { name: 'SQLite', keysUrl, dataUrl, folder, stop: async () => rmSync(folder, { recursive: true }) };
}

/** A server of its own with a binary log in the format of rows, which keeps what rows were before they were changed. */
export async function startMariaDb(): Promise<ForensicStores | undefined> {
  const installed = await installData('remit-forensics-');
  if (!installed) {
    const message = 'MariaDB is not installed: what its logs keep of destroyed keys is not looked at.';
    if (process.env.CI === 'true') throw new Error(`${message} With CI=true it must be installed (mariadb-server).`);
    process.stderr.write(`\n${message}\n`);
    return undefined;
  }
  const [port = 0] = await freePorts(1);
  const settings = ['--log-bin=binlog', '--binlog-format=ROW', '--server-id=1', '--binlog-row-image=FULL'];
  const { stop } = await startServer({ ...installed, port, settings });
  const connection = await createConnection(`mysql://root@127.0.0.1:${port}/`);
  for (const name of ['forensic_keys', 'forensic_data']) await connection.query(`CREATE DATABASE ${name}`);
  await connection.end();
  const url = (name: string) => `mysql://root@127.0.0.1:${port}/${name}`;
  const { data: folder } = installed;
  return { name: 'MariaDB', keysUrl: url('forensic_keys'), dataUrl: url('forensic_data'), folder, stop };
}
