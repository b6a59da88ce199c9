import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { type Alert, Alerts, type Observation } from '../../src/audit/alerts/alerts';
import { alertRules } from '../../src/audit/alerts/rules';
import { alertWebhook } from '../../src/audit/alerts/webhook';

const HOUR = 60 * 60_000;
/** A Monday, ten in the morning. */
const MONDAY = Date.UTC(2026, 10, 23, 10);

function watching() {
  const raised: Alert[] = [];
  let at = MONDAY;
  const alerts = new Alerts((alert) => raised.push(alert), { now: () => at });
  const read = (observation: Partial<Observation>) =>
    alerts.observe({
      entry: 'entry',
      client: 'acme',
      principal: 'somebody',
      permissions: ['grant 1'],
      subjects: [],
      withheld: 0,
      ...observation,
    });
  return {
    raised,
    read,
    pass: (ms: number) => {
      at += ms;
    },
  };
}

const persons = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `subject ${from + index}`);
const rulesOf = (alerts: readonly Alert[]) => alerts.map(({ rule }) => rule);

describe('alerts (statement G3)', () => {
  test('a principal that reads far more subjects than in its own past is told of, once an hour', () => {
    const { raised, read, pass } = watching();
    for (let hour = 0; hour < 5; hour++) {
      read({ subjects: persons(100) });
      pass(HOUR);
    }
    read({ subjects: persons(400) });
    // Whoever is read again counts once.
    read({ subjects: persons(400) });
    expect(raised).toEqual([]);
    read({ subjects: persons(200, 400) });
    read({ subjects: persons(200, 600) });
    expect(raised).toEqual([expect.objectContaining({ rule: 'SUBJECTS_BEYOND_OWN_PAST', measured: 600, limit: 500 })]);
  });

  test('another principal with a larger past is not', () => {
    const { raised, read, pass } = watching();
    for (let hour = 0; hour < 5; hour++) {
      read({ principal: 'large', subjects: persons(1_000) });
      pass(HOUR);
    }
    read({ principal: 'large', subjects: persons(3_000) });
    expect(raised).toEqual([]);
  });

  test('whoever has no past is measured by a number of its own', () => {
    const { raised, read } = watching();
    read({ subjects: persons(5_000) });
    expect(raised).toEqual([]);
    read({ subjects: persons(1, 5_000) });
    expect(raised).toEqual([expect.objectContaining({ rule: 'SUBJECTS_BEYOND_OWN_PAST', limit: 5_000 })]);
  });

  test('twenty operations in a row with something withheld are told of once; one without begins anew', () => {
    const { raised, read } = watching();
    for (let times = 0; times < 19; times++) read({ withheld: 2 });
    read({});
    for (let times = 0; times < 19; times++) read({ withheld: 1 });
    expect(raised).toEqual([]);
    for (let times = 0; times < 10; times++) read({ withheld: 1 });
    expect(rulesOf(raised)).toEqual(['WITHHELD_IN_A_ROW']);
  });

  test('staff that reads under an instruction at night or on a Sunday is told of', () => {
    const { raised, read, pass } = watching();
    const staff = { permissions: ['instruction 7'], subjects: persons(1) };
    read(staff);
    expect(raised).toEqual([]);
    pass(12 * HOUR);
    read(staff);
    read({ subjects: persons(1) });
    pass(5 * 24 * HOUR + 12 * HOUR);
    read(staff);
    expect(rulesOf(raised)).toEqual(['BREAK_GLASS_OUT_OF_HOURS', 'BREAK_GLASS_OUT_OF_HOURS']);
  });

  test('rules are data', () => {
    expect(JSON.parse(JSON.stringify(alertRules))).toEqual(alertRules);
  });

  test('a webhook is told, by a signature that Standard Webhooks verifies', async () => {
    const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
    let received: unknown;
    const server = createServer(async (request, response) => {
      const body = await text(request);
      received = new Webhook(secret).verify(body, request.headers as Record<string, string>);
      response.end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const alert: Alert = {
      rule: 'WITHHELD_IN_A_ROW',
      entry: 'e',
      client: 'c',
      principal: 'p',
      measured: 20,
      limit: 20,
    };
    await alertWebhook(`http://127.0.0.1:${port}/`, secret)(alert);
    server.close();
    expect(received).toMatchObject({ type: 'audit.alert', data: alert });
  });
});
