import { Webhook } from 'standardwebhooks';
import { alertWebhook } from '../../src/audit/alerts/webhook';
import type { Head } from '../../src/audit/witness/anchors';
import { timestampAnchor } from '../../src/audit/witness/timestamp';
import { witnessAnchor } from '../../src/audit/witness/witness';
import { discoverKeys } from '../../src/identity/openid-discovery';
import { signedMessage } from '../../src/outbound/signed-message';
import { serve } from './serving';

const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const alert = {
  rule: 'WITHHELD_IN_A_ROW',
  entry: 'e',
  client: undefined,
  principal: 'p',
  measured: 20,
  limit: 20,
} as const;
// A tree of which nothing has been shown yet needs no proof, and so no database.
const head = { logId: 'l', size: 0, checkpoint: 'remit/audit/l\n0\n\n' } as Head;

/** Everybody who calls somebody outside that the operator named. */
const callers: Array<[string, (url: string) => Promise<unknown>]> = [
  ['the alerts’ webhook', (url) => alertWebhook(url, secret)(alert)],
  ['a witness', (url) => witnessAnchor(url, 'w+00000000+AAAA').anchor(head, 0)],
  ['a time-stamping authority', (url) => timestampAnchor(url).anchor(head, 0)],
  ['the issuer', (url) => discoverKeys(url)],
];

describe.each(callers)('%s', (name, call) => {
  test('follows no redirect', async () => {
    const reached: unknown[] = [];
    const elsewhere = await serve((request, response) => {
      reached.push(request.url);
      response.end();
    });
    const url = await serve((_request, response) => void response.writeHead(307, { location: elsewhere }).end());
    await expect(call(url)).rejects.toThrow();
    expect(reached).toEqual([]);
  });

  test('reads no answer without end', async () => {
    let written = 0;
    const url = await serve((_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (response.write(Buffer.alloc(64 * 1024))) written++;
        written++;
        response.once('drain', more);
      };
      more();
    });
    const called = call(url);
    // The alerts' webhook reads no body at all; the others give up at their limit.
    if (name.startsWith('the alerts')) await called;
    else await expect(called).rejects.toThrow();
    expect(written * 64 * 1024).toBeLessThan(64 * 1024 * 1024);
  });
});

test('a message is signed as Standard Webhooks say, whoever sends it', () => {
  const at = new Date();
  const { headers, body } = signedMessage({ id: 'm1', type: 'audit.alert', at, data: { n: 1 } }, [secret]);
  expect(new Webhook(secret).verify(body, { ...headers })).toEqual({
    type: 'audit.alert',
    timestamp: at.toISOString(),
    data: { n: 1 },
  });
  expect(() => new Webhook(secret).verify(body.replace('1', '2'), { ...headers })).toThrow();
});

test('while one secret replaces another, a message carries the signatures of both', () => {
  const next = `whsec_${Buffer.alloc(32, 4).toString('base64')}`;
  const message = { id: 'm1', type: 'audit.alert', at: new Date(), data: { n: 1 } };
  const { headers, body } = signedMessage(message, [next, secret]);
  for (const each of [next, secret]) expect(() => new Webhook(each).verify(body, { ...headers })).not.toThrow();
  const { headers: alone } = signedMessage(message, [next]);
  expect(() => new Webhook(secret).verify(body, { ...alone })).toThrow();
});
