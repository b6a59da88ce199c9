import { freePorts, installData, startServer } from './mariadb-process';

export interface TestServer {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** Starts a MariaDB of our own in a fresh folder on a free loopback port; undefined where none is installed. */
export async function startMariaDb(...settings: string[]): Promise<TestServer | undefined> {
  const installed = await installData('remit-mariadb-');
  if (installed === undefined) return undefined;
  const [port = 0] = await freePorts(1);
  const { version, stop } = await startServer({ ...installed, port, settings: ['--skip-log-bin', ...settings] });
  return { url: `mysql://root@127.0.0.1:${port}/`, version, stop };
}
