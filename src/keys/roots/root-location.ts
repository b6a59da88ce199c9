import { isConfidential } from '../../outbound/urls';
import { ConfigurationError } from '../../storage/errors';
import type { AwsLocation } from './aws-kms';
import type { AzureLocation } from './azure-key-vault';
import type { GcpLocation } from './gcp-kms';
import { parsePkcs11Uri, type TokenLocation } from './pkcs11-uri';
import type { VaultLocation } from './vault-transit';

/** Where roots are, by the scheme of what REMIT_ROOT_KEY says. */
export type RootLocation =
  | { readonly scheme: 'file'; readonly path: string }
  | { readonly scheme: 'pkcs11'; readonly at: TokenLocation }
  | { readonly scheme: 'aws-kms'; readonly at: AwsLocation }
  | { readonly scheme: 'gcp-kms'; readonly at: GcpLocation }
  | { readonly scheme: 'azure-key-vault'; readonly at: AzureLocation }
  | { readonly scheme: 'vault'; readonly at: VaultLocation };

/** What the keys of an installation are named by, unless told: two that share an account need different ones. */
const PREFIX = 'remit';
const AWS_DELETION_DAYS = 7;

/** One form of a root's place, for error messages. */
export const rootExamples = [
  'pkcs11:token=remit;object=remit?module-path=/usr/lib/….so&pin-source=file:/run/secrets/pin',
  'aws-kms:eu-central-1',
  'gcp-kms:projects/P/locations/L/keyRings/R/cryptoKeys/K',
  'azure-key-vault:https://NAME.vault.azure.net',
  'vault:https://vault.example:8200/transit',
];

/**
 * @param text the value of the variable; it is never repeated, since it may hold what should not be there
 * @throws ConfigurationError naming the variable and the fix
 */
export function parseRootLocation(text: string, variable: string): RootLocation {
  const [scheme = ''] = text.split(':');
  const rest = text.slice(scheme.length + 1);
  const fault = (says: string) => new ConfigurationError(variable, says);
  switch (scheme) {
    case 'pkcs11':
      return { scheme, at: parsePkcs11Uri(text, variable) };
    case 'aws-kms':
      return { scheme, at: awsLocation(rest, fault) };
    case 'gcp-kms':
      return { scheme, at: gcpLocation(rest, fault) };
    case 'azure-key-vault':
      return { scheme, at: azureLocation(rest, fault) };
    case 'vault':
      return { scheme, at: vaultLocation(rest, fault) };
    case 'file':
      // A file to move away from; the one in use is named by REMIT_MASTER_KEY_FILE.
      if (rest.startsWith('/')) return { scheme, path: rest };
      throw fault('must give the whole path of the file: file:/var/lib/remit/master.key');
    default:
      throw fault(`must begin with pkcs11, aws-kms, gcp-kms, azure-key-vault or vault: ${rootExamples.join(', ')}`);
  }
}

type Fault = (says: string) => ConfigurationError;

function awsLocation(rest: string, fault: Fault): AwsLocation {
  const { place, options } = split(rest, ['endpoint', 'prefix', 'deletion-days'], fault);
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(place)) throw fault('must name a region: aws-kms:eu-central-1');
  const deletionDays = Number(options['deletion-days'] ?? AWS_DELETION_DAYS);
  if (!Number.isInteger(deletionDays) || deletionDays < 7 || deletionDays > 30) {
    throw fault('must give deletion-days from 7 to 30, as AWS has it');
  }
  return { region: place, deletionDays, prefix: prefixOf(options, fault), ...endpointOf(options, fault) };
}

function gcpLocation(rest: string, fault: Fault): GcpLocation {
  const { place, options } = split(rest, ['endpoint'], fault);
  if (!/^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/.test(place)) {
    throw fault('must name a key: gcp-kms:projects/P/locations/L/keyRings/R/cryptoKeys/K');
  }
  return { key: place, ...endpointOf(options, fault) };
}

function azureLocation(rest: string, fault: Fault): AzureLocation {
  const { place, options } = split(rest, ['prefix'], fault);
  const { origin } = urlOf(place, fault, 'azure-key-vault:https://NAME.vault.azure.net');
  return { vault: origin, prefix: prefixOf(options, fault) };
}

function vaultLocation(rest: string, fault: Fault): VaultLocation {
  const { place, options } = split(rest, ['prefix'], fault);
  const engine = urlOf(place, fault, 'vault:https://vault.example:8200/transit');
  if (engine.pathname === '/')
    throw fault('must name the transit engine too: vault:https://vault.example:8200/transit');
  return { engine, prefix: prefixOf(options, fault) };
}

function split(rest: string, known: readonly string[], fault: Fault) {
  const [place = '', query = ''] = rest.split('?');
  const options = Object.fromEntries(new URLSearchParams(query));
  if (Object.keys(options).some((name) => !known.includes(name))) {
    throw fault(`has an option that is not known; known are ${known.join(', ')}`);
  }
  return { place, options };
}

/** What all services allow in names. */
function prefixOf({ prefix = PREFIX }: Readonly<Record<string, string>>, fault: Fault): string {
  if (/^[a-z][a-z0-9-]{0,39}$/.test(prefix)) return prefix;
  throw fault('must give a prefix of up to 40 lower-case letters, digits and hyphens');
}

function endpointOf({ endpoint }: Readonly<Record<string, string>>, fault: Fault): { endpoint?: string } {
  return endpoint === undefined ? {} : { endpoint: urlOf(endpoint, fault, 'endpoint=https://…').origin };
}

function urlOf(text: string, fault: Fault, example: string): URL {
  if (!isConfidential(text)) throw fault(`must have a URL that begins with https://, as in ${example}`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw fault('must not hold a password: docs/keys.md says where it goes');
  return url;
}
