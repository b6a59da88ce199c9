import { cosignedAt } from '../log/checkpoint';
import { consistencyProof } from '../log/merkle';
import { storedNodes } from '../log/stored-nodes';
import type { Anchor, Head } from './anchors';

const TIMEOUT_MS = 10_000;

/**
 * A witness by C2SP tlog-witness: it is shown each checkpoint with a proof that the log only grew, remembers it, and
 * signs it. It keeps what it saw, so a log that is rewritten later finds no signature.
 *
 * @param url the witness's submission prefix
 * @param key its verifier key, `name+id+key` of a cosignature
 */
export function witnessAnchor(url: string, key: string): Anchor {
  return {
    kind: 'witness',
    async anchor(head, anchored) {
      let response = await submit(url, head, anchored);
      // It may have seen more, or less, than this process knows of.
      if (response.status === 409) response = await submit(url, head, sizeOf(await response.text(), head.size));
      if (response.status !== 200) throw new Error(`the witness answered ${response.status}`);
      const note = `${head.checkpoint}${await response.text()}`;
      if (!(await cosignedAt(note, key))) throw new Error('the witness answered with no signature of its key');
      return Buffer.from(note);
    },
  };
}

async function submit(url: string, { source, logId, size, checkpoint }: Head, old: number): Promise<Response> {
  const proof = await consistencyProof(storedNodes(source, logId), old, size);
  const lines = [`old ${old}`, ...proof.map((hash) => hash.toString('base64')), '', checkpoint];
  return fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
    method: 'POST',
    body: lines.join('\n'),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

function sizeOf(answer: string, limit: number): number {
  const size = Number(answer.trim());
  if (Number.isSafeInteger(size) && size >= 0 && size <= limit) return size;
  throw new Error('the witness has seen a longer log of this name');
}
