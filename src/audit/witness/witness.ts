import { type OutboundAnswer, send } from '../../outbound/http';
import { cosignedAt } from '../log/checkpoint';
import { consistencyProof } from '../log/merkle';
import { storedNodes } from '../log/stored-nodes';
import type { Anchor, Head } from './anchors';

/**
 * The operator chose the witness, so it may be in this network. Its answer is a few lines of signatures, or a number.
 */
const policy = { timeoutMs: 10_000, maxBytes: 64 * 1024, privateAddresses: true };

/**
 * A witness by C2SP tlog-witness: it gets each checkpoint with a proof that the log only grew, remembers it and signs
 * it. A log that is rewritten later gets no signature.
 * @param url the witness's submission prefix
 * @param key its verifier key, `name+id+key` of a cosignature
 */
export function witnessAnchor(url: string, key: string): Anchor {
  return {
    kind: 'witness',
    async anchor(head, anchored) {
      let answer = await submit(url, head, anchored);
      // The witness may have seen more or less than this process knows.
      if (answer.status === 409) answer = await submit(url, head, sizeOf(answer.body.toString(), head.size));
      if (answer.status !== 200) throw new Error(`the witness answered ${answer.status}`);
      const note = `${head.checkpoint}${answer.body}`;
      if (!(await cosignedAt(note, key))) throw new Error('the witness answered with no signature of its key');
      return Buffer.from(note);
    },
  };
}

async function submit(url: string, { source, logId, size, checkpoint }: Head, old: number): Promise<OutboundAnswer> {
  const proof = await consistencyProof(storedNodes(source, logId), old, size);
  const lines = [`old ${old}`, ...proof.map((hash) => hash.toString('base64')), '', checkpoint];
  const address = `${url.replace(/\/$/, '')}/add-checkpoint`;
  return send({ url: address, method: 'POST', body: lines.join('\n') }, policy);
}

function sizeOf(answer: string, limit: number): number {
  const size = Number(answer.trim());
  if (Number.isSafeInteger(size) && size >= 0 && size <= limit) return size;
  throw new Error('the witness has seen a longer log of this name');
}
