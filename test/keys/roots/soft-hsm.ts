import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findExecutable } from '../../support/mariadb-process';
import { hasClient, leaveOut } from './client-packages';

/** Debian's SoftHSM2, with a token of a test's own. */
export interface SoftHsm {
  readonly module: string;
  readonly folder: string;
  /** What a server needs to find the token. */
  readonly env: Readonly<Record<string, string>>;
  /** As REMIT_ROOT_KEY takes it. */
  readonly uri: string;
  readonly pinFile: string;
  initToken(label: string): void;
  remove(): void;
}

const MODULES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'];
export const PIN = 'a PIN; 4711';

/** @returns undefined where it, or the client, is not installed */
export function softHsm(): SoftHsm | undefined {
  const util = findExecutable('softhsm2-util');
  const module = MODULES.find((path) => existsSync(path));
  if (util === undefined || module === undefined) {
    leaveOut('SoftHSM2 was not found', 'apt-get install softhsm2');
    return undefined;
  }
  if (!hasClient('pkcs11js')) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'remit-hsm-'));
  mkdirSync(join(folder, 'tokens'));
  const conf = join(folder, 'softhsm2.conf');
  writeFileSync(
    conf,
    `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  const pinFile = join(folder, 'pin');
  writeFileSync(pinFile, `${PIN}\n`, { mode: 0o600 });
  const env = { SOFTHSM2_CONF: conf };
  const initToken = (label: string) => {
    execFileSync(util, ['--init-token', '--free', '--label', label, '--so-pin', 'officer', '--pin', PIN], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
  };
  initToken('remit test');
  const uri = `pkcs11:token=remit%20test;object=remit?module-path=${module}&pin-source=file:${pinFile}`;
  return {
    ...{ module, folder, env, uri, pinFile, initToken },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
