import { parseCheckpoint } from './checkpoint';
import { type CheckpointKeys, isSignedBy } from './key-history';
import { hashLeaf, verifyInclusion } from './merkle';

/** A proof that an entry is in a log, checkable without the log or a database. */
export interface AuditProof {
  /** The entry's canonical JSON, byte for byte as it was hashed. */
  readonly entry: string;
  readonly index: number;
  /** Hashes in base64, from the leaf up (RFC 6962, section 2.1.1). */
  readonly hashes: readonly string[];
  /** The signed checkpoint that the proof leads to. */
  readonly checkpoint: string;
}

/** The proof as a C2SP `tlog-proof` file. */
export function tlogProof({ index, hashes, checkpoint }: AuditProof): string {
  return ['c2sp.org/tlog-proof@v1', `index ${index}`, ...hashes, '', checkpoint].join('\n');
}

/**
 * Checks a proof by public keys alone.
 * @returns why it does not hold, or undefined where it does
 */
export async function faultOfProof(proof: AuditProof, keys: CheckpointKeys): Promise<string | undefined> {
  const { entry, index, hashes, checkpoint } = proof;
  let stated: { origin: string; size: number; root: Buffer };
  try {
    stated = parseCheckpoint(checkpoint);
  } catch (error) {
    return (error as Error).message;
  }
  if (!(await isSignedBy(checkpoint, keys))) {
    const remedy = '"remit audit keys" prints the key of the installation that made it.';
    return `The checkpoint is not signed by this key; ${remedy}`;
  }
  const path = hashes.map((hash) => Buffer.from(hash, 'base64'));
  if (!verifyInclusion(hashLeaf(Buffer.from(entry)), index, stated.size, path, stated.root)) {
    return `The entry is not number ${index} of the log that the checkpoint is of.`;
  }
  return undefined;
}

/**
 * Reads a proof as `remit audit prove` prints it.
 * @throws {Error} in words where it is none
 */
export function readProof(json: string): AuditProof {
  try {
    const { entry, index, hashes, checkpoint } = JSON.parse(json) as Partial<AuditProof>;
    const sound =
      typeof entry === 'string' &&
      Number.isSafeInteger(index) &&
      Array.isArray(hashes) &&
      hashes.every((hash) => typeof hash === 'string') &&
      typeof checkpoint === 'string';
    if (sound) return { entry, index: index as number, hashes, checkpoint };
  } catch {
    // Not JSON: said below.
  }
  throw new Error('The file is not a proof: it must be what "remit audit prove" prints.');
}
