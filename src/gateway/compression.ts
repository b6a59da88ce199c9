import compress from '@fastify/compress';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Exchange } from './exchange';
import type { ServerOptions } from './server-options';

/** What fits into one packet is not sent any sooner for being smaller, and most answers on one person do. */
const THRESHOLD_BYTES = 1_400;

/** Lets replies of a scope be compressed: all of them, or those that are sent by {@link sendAnswer}. */
export async function compressReplies(
  scope: FastifyInstance,
  { compression = 'impersonal' }: Pick<ServerOptions, 'compression'>,
  every: boolean,
): Promise<void> {
  if (compression === 'none') return;
  await scope.register(compress, {
    global: every,
    // Requests are taken as they are: what is not decompressed cannot grow (pitfall 21).
    globalDecompression: false,
    threshold: THRESHOLD_BYTES,
    encodings: ['br', 'gzip'],
  });
}

/**
 * Sends an answer, compressed where it may be. The length of what is compressed tells whether two texts in it are alike
 * (CRIME, BREACH): whoever can put a text of their own beside a person's data, as a customer who writes a message can, and
 * sees encrypted answers go by, could guess the data letter by letter. So what reaches personal data is compressed only
 * where the operator says that nobody is in that place.
 */
export function sendAnswer(
  reply: FastifyReply,
  { compression = 'impersonal' }: Pick<ServerOptions, 'compression'>,
  { impersonal }: Exchange,
  text: string,
): FastifyReply {
  const may = compression === 'all' || (compression === 'impersonal' && impersonal);
  if (!may) return reply.send(text);
  reply.compress(text);
  return reply;
}
