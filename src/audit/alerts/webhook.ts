import { Webhook } from 'standardwebhooks';
import { v7 as uuid } from 'uuid';
import type { Alert } from './alerts';

const TIMEOUT_MS = 10_000;

/**
 * Tells a URL of alerts, signed by Standard Webhooks.
 * @param secret `whsec_…`
 */
export function alertWebhook(url: string, secret: string): (alert: Alert) => Promise<void> {
  const signer = new Webhook(secret);
  return async (alert) => {
    const id = uuid();
    const at = new Date();
    const body = JSON.stringify({ type: 'audit.alert', timestamp: at.toISOString(), data: alert });
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': signer.sign(id, at, body),
      },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the alert's recipient answered ${response.status}`);
  };
}
