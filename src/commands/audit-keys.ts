import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { readPublicKey, witnessOf } from '../audit/log/checkpoint';
import type { Trust } from '../audit/witness/receipts';
import { asCommandError, CommandError } from './failure';

/** Public keys, given as text or as the path of a file: a PEM file, or one with a key on each line. */
export async function publicKeysIn(key: string): Promise<[Buffer, ...Buffer[]]> {
  try {
    return [readPublicKey(key)];
  } catch (notTyped) {
    const content = await readFile(key, 'utf8').catch(() => undefined);
    if (content === undefined) throw new CommandError(`${(notTyped as Error).message} No file is named so either.`, 2);
    return Promise.resolve(content).then(keysOf).catch(asCommandError);
  }
}

/** Behind a key may stand when it was used, as `remit audit keys` prints it. */
function keysOf(content: string): [Buffer, ...Buffer[]] {
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2 || content.includes('-----BEGIN')) return [readPublicKey(content)];
  const [first = '', ...more] = lines.map((line) => line.trim().split(' ', 1)[0] ?? '');
  return [readPublicKey(first), ...more.map(readPublicKey)];
}

/** Witness keys, given as text, and the certificates in PEM files. */
export async function trustIn(witnesses: readonly string[], files: readonly string[]): Promise<Trust> {
  for (const key of witnesses) {
    try {
      witnessOf(key);
    } catch (error) {
      throw new CommandError(`${key}: ${(error as Error).message}`, 2);
    }
  }
  const authorities = [];
  for (const file of files) authorities.push(...certificatesIn(await readFile(file, 'utf8'), file));
  return { witnesses, authorities };
}

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

function certificatesIn(text: string, file: string): X509Certificate[] {
  const found = text
    .split(BEGIN)
    .slice(1)
    .map((rest) => `${BEGIN}${rest.slice(0, rest.indexOf(END))}${END}`);
  try {
    if (found.length > 0) return found.map((pem) => new X509Certificate(pem));
  } catch {
    // Reported below, like a file without any certificate.
  }
  throw new CommandError(`${file} has no certificate in PEM form`);
}
