import { ConfigurationError } from '../../storage/errors';

/** Packages that only some installations need, with the versions that are tested. They are not installed with Remit. */
const packages = {
  pkcs11js: '2',
  '@aws-sdk/client-kms': '3.1164',
  '@google-cloud/kms': '5',
  '@azure/keyvault-keys': '4',
  '@azure/identity': '4.13.1',
} as const;

/**
 * Loads a package that is not among Remit's dependencies.
 *
 * @returns its exports, of which the caller names those that it uses
 * @throws ConfigurationError with the command that installs it
 */
export function clientPackage<Exports>(name: keyof typeof packages): Exports {
  try {
    return require(name) as Exports;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const fault =
      code === 'MODULE_NOT_FOUND'
        ? 'needs a package that is not installed'
        : `needs the package ${name}, which does not load (${code ?? (error as Error).name})`;
    throw new ConfigurationError('REMIT_ROOT_KEY', `${fault}; run: npm install ${name}@${packages[name]}`, {
      cause: error,
    });
  }
}
