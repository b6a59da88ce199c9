import { readFileSync } from 'node:fs';
import type { SslOptions } from 'mysql2';
import { UrlFault } from './errors';
import type { TlsAddress } from './server-url';

/**
 * The driver's options for TLS.
 * @throws UrlFault naming the file that cannot be read
 */
export function tlsOptions({ identity, caFile, certFile, keyFile }: TlsAddress): SslOptions {
  const read = (parameter: string, file: string | undefined) => {
    try {
      return file === undefined ? {} : { [parameter]: readFileSync(file) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new UrlFault(`ssl-${parameter} names ${file}, which cannot be read (${code})`);
    }
  };
  return {
    rejectUnauthorized: true,
    verifyIdentity: identity,
    ...read('ca', caFile),
    ...read('cert', certFile),
    ...read('key', keyFile),
  };
}
