import { open } from 'node:fs/promises';
import { signedCheckpoint, type Witnessed } from '../log/checkpoint-store';
import type { CheckpointKeys } from '../log/key-history';
import { checkReceipt, type Receipt, type Trust, type Vouched } from './receipts';

/**
 * Appends checkpoints to a file that is kept away from the database: write-once storage, another machine, a mailbox.
 * One JSON line each, so that a truncated line damages no other.
 */
export async function appendAnchors(path: string, notes: readonly string[], at: Date = new Date()): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    await file.appendFile(
      notes.map((checkpoint) => `${JSON.stringify({ at: at.toISOString(), checkpoint })}\n`).join(''),
    );
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A checkpoint kept outside, and what vouches for it. */
export type Anchored = Witnessed & Vouched;

/**
 * Reads the checkpoints of an anchor file, with their receipts.
 * @param name the file's name in reports
 * @throws {Error} naming the first line that is no checkpoint of this installation, or whose receipt does not hold
 */
export async function readAnchors(
  text: string,
  name: string,
  keys: CheckpointKeys,
  trust: Trust = { witnesses: [], authorities: [] },
): Promise<Anchored[]> {
  const anchors: Anchored[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const { checkpoint, receipt } = lineIn(line) ?? {};
    const signed = checkpoint === undefined ? undefined : await signedCheckpoint(checkpoint, keys);
    if (checkpoint === undefined || !signed) {
      throw new Error(`${name}, line ${index + 1}: this installation's key did not sign a checkpoint in it`);
    }
    const vouched = receipt && (await checkReceipt(receipt, checkpoint, trust).catch(faultIn(name, index)));
    // The file vouches by itself, being kept outside; a receipt adds who else does.
    const by = vouched ? `${name}: ${vouched.by}` : name;
    const how = vouched?.how ?? "signed by this installation's key, and kept outside";
    anchors.push({ ...signed, by, how, verified: true, at: vouched?.at });
  }
  return anchors;
}

/** A line with a receipt; {@link readAnchors} reads it back. */
export function anchorLine(at: Date, checkpoint: string, { kind, content }: Receipt): string {
  const receipt =
    kind === 'witness' ? { checkpoint: content.toString('utf8') } : { checkpoint, token: content.toString('base64') };
  return `${JSON.stringify({ at: at.toISOString(), kind, ...receipt })}\n`;
}

function faultIn(name: string, index: number): (error: Error) => never {
  return ({ message }) => {
    throw new Error(`${name}, line ${index + 1}: the receipt does not hold: ${message}`);
  };
}

function jsonIn(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function lineIn(line: string): { checkpoint: string; receipt: Receipt | undefined } | undefined {
  const { checkpoint, kind, token } = jsonIn(line);
  if (typeof checkpoint !== 'string') return undefined;
  if (kind === 'witness') return { checkpoint, receipt: { kind, content: Buffer.from(checkpoint) } };
  if (kind === undefined) return { checkpoint, receipt: undefined };
  if (kind !== 'timestamp' || typeof token !== 'string') return undefined;
  return { checkpoint, receipt: { kind, content: Buffer.from(token, 'base64') } };
}
