import { v7 as uuid } from 'uuid';
import { send } from '../../outbound/http';
import { signedMessage } from '../../outbound/signed-message';
import type { Alert } from './alerts';

/** The operator chose the recipient, so it may be in this network. */
const policy = { timeoutMs: 10_000, maxBytes: 0, privateAddresses: true };

/**
 * Sends alerts to a URL, signed by Standard Webhooks.
 * @param secret `whsec_…`
 */
export function alertWebhook(url: string, secret: string): (alert: Alert) => Promise<void> {
  return async (alert) => {
    const message = signedMessage({ id: uuid(), type: 'audit.alert', at: new Date(), data: alert }, [secret]);
    const { status } = await send({ url, method: 'POST', ...message }, policy);
    if (status < 200 || status > 299) throw new Error(`the alert's recipient answered ${status}`);
  };
}
