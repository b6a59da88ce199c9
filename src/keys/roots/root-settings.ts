import { z } from 'zod';
import { ConfigurationError } from '../../storage/errors';
import type { HostingRegion } from '../../storage/regions';
import { developmentMasterKey } from '../master-key';
import { parseRootLocation, type RootLocation, rootExamples } from './root-location';
import { placeText } from './root-place';
import type { VaultAccess } from './vault-transit';

/** Where the roots of one keys' store are. */
export interface RootSettings {
  readonly masterKeyFile?: string;
  /** REMIT_ROOT_KEY; instead of a file. */
  readonly rootKey?: string;
  /** REMIT_ROOT_KEY_BEFORE: where the roots were until now, until the epoch has turned. */
  readonly rootKeyBefore?: string;
  readonly rootAccess?: RootAccess;
}

/** What lets in where roots live, besides what the clients of services find by themselves. */
export interface RootAccess {
  readonly pin?: string | undefined;
  readonly vault?: VaultAccess | undefined;
}

type SetVariables = Readonly<Record<string, string | undefined>>;
/** A region whose keys have a store of their own, or none for the home store. */
type Place = HostingRegion | undefined;

const text = z.string().optional();

/** The variables that say where roots live, for the environment's schema. */
export const rootVariables = {
  REMIT_MASTER_KEY_FILE: text,
  REMIT_MASTER_KEY_FILE_EU: text,
  REMIT_MASTER_KEY_FILE_US: text,
  REMIT_ROOT_KEY: text,
  REMIT_ROOT_KEY_EU: text,
  REMIT_ROOT_KEY_US: text,
  REMIT_ROOT_KEY_BEFORE: text,
  REMIT_ROOT_KEY_BEFORE_EU: text,
  REMIT_ROOT_KEY_BEFORE_US: text,
  REMIT_ROOT_KEY_PIN: text,
  REMIT_ROOT_KEY_PIN_FILE: text,
  VAULT_TOKEN: text,
  VAULT_TOKEN_FILE: text,
  VAULT_NAMESPACE: text,
};

/** How a root is made, or named, for error messages. */
export const ROOT_MADE_BY =
  'write a key with: (umask 077; head -c 32 /dev/urandom | base64 > master.key), and name it; ' +
  'or name an HSM or a KMS in REMIT_ROOT_KEY (docs/keys.md)';

const suffixOf = (place: Place) => (place === undefined ? '' : `_${place}`);
const fileVariable = (place: Place) => `REMIT_MASTER_KEY_FILE${suffixOf(place)}`;
const rootVariable = (place: Place) => `REMIT_ROOT_KEY${suffixOf(place)}`;
const beforeVariable = (place: Place) => `REMIT_ROOT_KEY_BEFORE${suffixOf(place)}`;

/** Whether the environment says where the roots of a place are. */
export function namesRoots(set: SetVariables, place: Place): boolean {
  return set[fileVariable(place)] !== undefined || set[rootVariable(place)] !== undefined;
}

/** The variables of a place that are set. */
export function rootVariablesSet(set: SetVariables, place: Place): string[] {
  return [fileVariable, rootVariable, beforeVariable].map((of) => of(place)).filter((name) => set[name] !== undefined);
}

export function readRootSettings(set: SetVariables, place: Place): RootSettings {
  const [masterKeyFile, rootKey] = [set[fileVariable(place)], set[rootVariable(place)]];
  const rootKeyBefore = set[beforeVariable(place)];
  const { REMIT_ROOT_KEY_PIN: pin, VAULT_TOKEN: token, VAULT_TOKEN_FILE: tokenFile, VAULT_NAMESPACE: namespace } = set;
  return {
    ...(masterKeyFile === undefined ? {} : { masterKeyFile }),
    ...(rootKey === undefined ? {} : { rootKey }),
    ...(rootKeyBefore === undefined ? {} : { rootKeyBefore }),
    ...(rootKey === undefined && rootKeyBefore === undefined
      ? {}
      : { rootAccess: { pin, vault: { token, tokenFile, namespace } } }),
  };
}

/** What is wrong with where the roots of a place are said to be. */
export function rootFaults(set: SetVariables, place: Place): ConfigurationError[] {
  const [file, root, before] = [fileVariable(place), rootVariable(place), beforeVariable(place)];
  const faults: ConfigurationError[] = [];
  if (set[file] !== undefined && set[root] !== undefined) {
    const fault = `is set beside ${file}; keep one of them. To move to another place, name the old one in ${before}`;
    faults.push(new ConfigurationError(root, fault));
  }
  const now = placeIn(set, root) ?? placeIn(set, file);
  if (now !== undefined && placeIn(set, before) === now) {
    faults.push(
      new ConfigurationError(before, 'names the place that is in use; take it away once the epoch has turned'),
    );
  }
  for (const variable of [root, before]) {
    const text = set[variable];
    if (text === undefined) continue;
    try {
      const location = parseRootLocation(text, variable);
      if (location.scheme === 'file' && variable === root) {
        faults.push(new ConfigurationError(root, `has no files: name one in ${file}, or write ${rootExamples[0]}`));
      }
      faults.push(...accessFaults(location, set, variable));
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      faults.push(error);
    }
  }
  return faults;
}

/**
 * Where the roots of a store would be another store's: the end of an epoch in one destroys what the other needs.
 * @param regions those whose keys have a store of their own
 */
export function sharedRootFaults(set: SetVariables, regions: readonly HostingRegion[]): ConfigurationError[] {
  const stores = [undefined, ...regions].map((place) => ({ place, named: namedPlaces(set, place) }));
  return stores.flatMap(({ place, named }) => {
    if (place === undefined) return [];
    const others = stores.filter((store) => store.place !== place).flatMap((store) => store.named);
    return named.flatMap(({ variable, text }) => {
      const shared = others.find((other) => other.text === text);
      if (!shared) return [];
      const what = variable === fileVariable(place) ? 'file' : 'place (prefix=… makes one)';
      const fault = `must be another ${what} than ${shared.variable}: each store has its root`;
      return [new ConfigurationError(variable, fault)];
    });
  });
}

/** The places that the variables of a store name, however they write them. */
function namedPlaces(set: SetVariables, place: Place): Array<{ readonly variable: string; readonly text: string }> {
  const all = [fileVariable, rootVariable, beforeVariable].flatMap((of) => {
    const text = placeIn(set, of(place));
    return text === undefined ? [] : [{ variable: of(place), text }];
  });
  if (namesRoots(set, place) || place !== undefined) return all;
  return [...all, { variable: fileVariable(place), text: placeText({ scheme: 'file', path: developmentMasterKey }) }];
}

/** The place that a variable names; undefined where it names none. */
function placeIn(set: SetVariables, variable: string): string | undefined {
  const text = set[variable];
  if (text === undefined) return undefined;
  if (variable.startsWith(fileVariable(undefined))) return placeText({ scheme: 'file', path: text });
  try {
    return placeText(parseRootLocation(text, variable));
  } catch {
    // It is told where the variable itself is looked at.
    return undefined;
  }
}

function accessFaults({ scheme, at }: RootLocation & { readonly at?: object }, set: SetVariables, variable: string) {
  if (scheme === 'vault' && set.VAULT_TOKEN === undefined && set.VAULT_TOKEN_FILE === undefined) {
    return [new ConfigurationError('VAULT_TOKEN', `must be set beside a ${variable} in Vault, or VAULT_TOKEN_FILE`)];
  }
  if (scheme === 'pkcs11' && at && !('pinFile' in at) && set.REMIT_ROOT_KEY_PIN === undefined) {
    return [new ConfigurationError(variable, 'names no pin-source, and REMIT_ROOT_KEY_PIN is not set; give one')];
  }
  return [];
}
