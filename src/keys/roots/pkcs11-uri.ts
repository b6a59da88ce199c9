import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../../storage/errors';

/** Where a token is, which key on it, and how to log in: what a PKCS #11 URI says (RFC 7512). */
export interface TokenLocation {
  readonly modulePath: string;
  /** The token must have all of these. */
  readonly token?: string;
  readonly serial?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly slot?: number;
  /** The label of the keys that are Remit's. */
  readonly object: string;
  /** A file with the PIN; without one it is in REMIT_ROOT_KEY_PIN. */
  readonly pinFile?: string;
}

/** Attributes of the URI's path and query, by what they mean here. */
const attributes: Readonly<Record<string, keyof TokenLocation>> = {
  token: 'token',
  serial: 'serial',
  manufacturer: 'manufacturer',
  model: 'model',
  'slot-id': 'slot',
  object: 'object',
  'module-path': 'modulePath',
  'pin-source': 'pinFile',
};
const tokenAttributes = ['token', 'serial', 'slot'] as const;

/** @throws ConfigurationError that never repeats a value: it may be a PIN */
export function parsePkcs11Uri(uri: string, variable: string): TokenLocation {
  const fault = (text: string) => new ConfigurationError(variable, `${text}; write ${example}`);
  const [path = '', query = ''] = uri.slice('pkcs11:'.length).split('?');
  const found: Record<string, string | number> = {};
  for (const part of [...path.split(';'), ...query.split('&')]) {
    if (part === '') continue;
    const [name = '', ...value] = part.split('=');
    if (name === 'pin-value')
      throw fault('must not hold a PIN: name a file with pin-source, or set REMIT_ROOT_KEY_PIN');
    const meaning = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    // A part that is not understood may be the one that tells two tokens apart.
    if (meaning === undefined) throw fault(`has an attribute that is not supported${nameOf(name)}`);
    if (meaning in found) throw fault(`has ${name} twice`);
    try {
      found[meaning] = decodeURIComponent(value.join('='));
    } catch {
      throw fault(`has a broken percent-encoding in ${name}`);
    }
  }
  if (found.slot !== undefined) found.slot = Number(found.slot);
  if (Number.isNaN(found.slot)) throw fault('must give slot-id as a number');
  if (found.pinFile !== undefined) found.pinFile = pathOf(String(found.pinFile), fault);
  if (!found.modulePath) throw fault('lacks module-path, the library of the token');
  if (!found.object) throw fault('lacks object, the label of the keys');
  if (!tokenAttributes.some((name) => found[name] !== undefined))
    throw fault('names no token: token, serial or slot-id');
  return found as unknown as TokenLocation;
}

const example = 'pkcs11:token=remit;object=remit?module-path=/usr/lib/….so&pin-source=file:/run/secrets/pin';

const nameOf = (name: string) => (/^[a-z-]{1,32}$/.test(name) ? `: ${name}` : '');

function pathOf(source: string, fault: (text: string) => ConfigurationError): string {
  if (source.startsWith('/')) return source;
  try {
    return fileURLToPath(source.replace(/^file:(?!\/\/)/, 'file://'));
  } catch {
    throw fault('must give pin-source as a file, with its whole path: file:/run/secrets/pin');
  }
}

/**
 * The PIN, read anew for each login, so that it can be changed.
 * @throws ConfigurationError
 */
export function readPin({ pinFile }: TokenLocation, fromVariable: string | undefined, variable: string): string {
  if (pinFile === undefined) {
    if (fromVariable) return fromVariable;
    throw new ConfigurationError(variable, 'names no pin-source, and REMIT_ROOT_KEY_PIN is not set; give one of them');
  }
  try {
    return readFileSync(pinFile, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(variable, `names the PIN's file ${pinFile}, which cannot be read (${code})`);
  }
}
