import { open } from 'node:fs/promises';
import { signedCheckpoint, type Witnessed } from './heads';

/**
 * Appends checkpoints to a file that is kept away from the database: write-once storage, another machine, a mailbox.
 * A line each, as JSON, so that a line that was cut off spoils no other.
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

/**
 * The checkpoints of an anchor file.
 * @param name what the file is called in a report
 * @throws {Error} naming the first line that is no checkpoint of this installation's
 */
export async function readAnchors(text: string, name: string, publicKey: Buffer): Promise<Witnessed[]> {
  const anchors: Witnessed[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const note = checkpointIn(line);
    const signed = note === undefined ? undefined : await signedCheckpoint(note, publicKey);
    if (!signed) throw new Error(`${name}, line ${index + 1}: it is no checkpoint that this installation's key signed`);
    anchors.push({ ...signed, by: name });
  }
  return anchors;
}

function checkpointIn(line: string): string | undefined {
  try {
    const { checkpoint } = JSON.parse(line) as { checkpoint?: unknown };
    return typeof checkpoint === 'string' ? checkpoint : undefined;
  } catch {
    return undefined;
  }
}
