import type { FastifyInstance } from 'fastify';
import { answerError } from './error-answers';
import { gatewayErrors } from './errors';
import { inUtf8 } from './plain-bodies';

/**
 * Takes a recipient's signed acknowledgement: the raw body, and the headers that sign it. Resolves to whether it was
 * accepted.
 */
export type Acknowledge = (body: string, headers: Record<string, string>) => Promise<boolean>;

const asText = inUtf8((_request, body, done) => done(null, body));
const signed = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/**
 * `POST /webhooks/acknowledge`: recipients confirm that they did their part, signed with their endpoint's secret
 * (Standard Webhooks). Every fault gets the same answer, which tells nothing about what exists.
 */
export function takeAcknowledgements(app: FastifyInstance, acknowledge: Acknowledge): void {
  app.register(async (scope) => {
    // The signature covers the bytes as they came.
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, asText);
    scope.post('/webhooks/acknowledge', async (request, reply) => {
      const headers = Object.fromEntries(signed.map((name) => [name, String(request.headers[name] ?? '')]));
      const taken = await acknowledge(String(request.body ?? ''), headers);
      if (!taken) return answerError(reply, gatewayErrors.signature());
      return reply.code(204).header('cache-control', 'no-store').send();
    });
  });
}
