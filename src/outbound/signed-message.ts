import { Webhook } from 'standardwebhooks';

/** What is told to an endpoint. */
export interface Message {
  /** The same for each attempt, so that recipients can recognise repeats. */
  readonly id: string;
  /** What happened, in dotted words: `audit.alert`. */
  readonly type: string;
  readonly at: Date;
  readonly data: object;
}

/**
 * A message by Standard Webhooks 1.0: its body, and the headers that sign it.
 * @param secrets each `whsec_…`; while one replaces another, both sign
 */
export function signedMessage(
  { id, type, at, data }: Message,
  secrets: readonly string[],
): { readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const body = JSON.stringify({ type, timestamp: at.toISOString(), data });
  return {
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
    },
    body,
  };
}
