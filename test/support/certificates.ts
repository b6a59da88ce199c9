import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable } from './mariadb-process';

/** Files with PEM. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/**
 * Makes an authority of its own in a folder, a server's certificate for a name, and a client's.
 * @returns undefined where openssl is not installed
 */
export function makeCertificates(folder: string, serverName: string): Certificates | undefined {
  const openssl = findExecutable('openssl');
  if (openssl === undefined) return undefined;
  const file = (name: string) => join(folder, name);
  const make = (name: string, subject: string, ...more: string[]) => {
    const [cert, key] = [file(`${name}.pem`), file(`${name}.key`)];
    const made = [
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${subject}`,
      '-keyout',
      key,
      '-out',
      cert,
    ];
    execFileSync(openssl, ['req', '-x509', ...made, ...more], { stdio: 'ignore' });
    chmodSync(key, 0o644);
    return { cert, key };
  };
  // The tests' server runs as another user.
  chmodSync(folder, 0o755);
  const { cert: ca, key: caKey } = make('ca', 'Tests');
  const signed = ['-CA', ca, '-CAkey', caKey, '-addext', 'basicConstraints=critical,CA:FALSE'];
  const server = make('server', serverName, ...signed, '-addext', `subjectAltName=DNS:${serverName}`);
  const client = make('client', 'client', ...signed);
  return { ca, ...server, clientCert: client.cert, clientKey: client.key };
}
