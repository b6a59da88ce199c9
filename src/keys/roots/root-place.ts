import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RootLocation } from './root-location';

const DIGEST_CHARACTERS = 22;

/**
 * One text for a place of roots, however it was written. It leaves out what is no part of the place: how to log in, for
 * how long a service keeps what ended, and by which of its addresses a service is reached.
 */
export function placeText(location: RootLocation): string {
  const { scheme } = location;
  switch (scheme) {
    case 'file':
      return textOf(scheme, realPathOf(location.path));
    case 'pkcs11': {
      const { modulePath, object, token, serial, manufacturer, model, slot } = location.at;
      return textOf(scheme, realPathOf(modulePath), object, token, serial, manufacturer, model, slot);
    }
    case 'aws-kms':
      return textOf(scheme, location.at.region, location.at.prefix);
    case 'gcp-kms':
      return textOf(scheme, location.at.key);
    case 'azure-key-vault':
      return textOf(scheme, location.at.vault, location.at.prefix);
    case 'vault': {
      const { engine, prefix } = location.at;
      return textOf(scheme, engine.origin, engine.pathname.split('/').filter(Boolean).join('/'), prefix);
    }
  }
}

/** Recognises a place without naming it. */
export const placeDigest = (location: RootLocation): string =>
  createHash('sha256')
    .update(`remit/v1/root-place\0${placeText(location)}`)
    .digest('base64url')
    .slice(0, DIGEST_CHARACTERS);

const textOf = (...parts: ReadonlyArray<string | number | undefined>): string =>
  JSON.stringify(parts.map((part) => part ?? null));

/** Without symbolic links, where the file is there. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
