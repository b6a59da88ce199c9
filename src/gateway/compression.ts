import compress from '@fastify/compress';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { GovernedRequest } from './governed-request';
import type { ServerOptions } from './server-options';

/** An answer that fits into one packet is not sent any sooner for being smaller. */
const THRESHOLD_BYTES = 1_400;

/** Turns compression on in a scope: for every reply, or only for those sent by {@link sendAnswer}. */
export async function compressReplies(
  scope: FastifyInstance,
  { compression = 'impersonal' }: Pick<ServerOptions, 'compression'>,
  every: boolean,
): Promise<void> {
  if (compression === 'none') return;
  await scope.register(compress, {
    global: every,
    // Requests are never decompressed, so they cannot grow past the body limit (docs/pitfalls.md, 21).
    globalDecompression: false,
    threshold: THRESHOLD_BYTES,
    encodings: ['br', 'gzip'],
  });
}

/**
 * Sends an answer, compressed where that is safe. The compressed length tells whether two texts in the answer are alike
 * (CRIME, BREACH). An attacker who can place text beside a person's data, for example as a customer who writes a
 * message, and who sees the encrypted answers, could guess the data letter by letter. So answers that reach personal
 * data are compressed only where the operator has ruled such an attacker out (`COMPRESSION=all`).
 */
export function sendAnswer(
  reply: FastifyReply,
  { compression = 'impersonal' }: Pick<ServerOptions, 'compression'>,
  { impersonal }: GovernedRequest,
  text: string,
): FastifyReply {
  const may = compression === 'all' || (compression === 'impersonal' && impersonal);
  if (!may) return reply.send(text);
  reply.compress(text);
  return reply;
}
