import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { jobWorker, webhookSender } from '../../src/background';
import type { WebhookSender } from '../../src/register/webhooks/webhook-sender';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { CANARY, dump, newClient, plantPeople } from './people';

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A recipient's own server: answers as told, or not at all. */
class Recipient {
  readonly received: Received[] = [];
  readonly #server: Server;
  answer: (attempt: number) => number | 'never' = () => 204;

  constructor() {
    this.#server = createServer(async (request, response) => {
      this.received.push({ headers: request.headers as Record<string, string>, body: await text(request) });
      const status = this.answer(this.received.length);
      if (status !== 'never') response.writeHead(status).end();
    });
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/remit`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const recipients = `query ($id: ID!) { erasureRequest(id: $id) { status
  recipients { name kind status attempts notifiedAt acknowledgedAt } } }`;

describe.each(databases)('recipients of erasures on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;
  let sender: WebhookSender;
  const dead: unknown[] = [];
  const servers = { app: new Recipient(), processor: new Recipient(), slow: new Recipient() };
  const secrets: Record<string, string> = {};
  const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
  const officer: Asker = { role: 'PLATFORM_PRIVACY_OFFICER' };

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    client = await newClient(app.services, 'acme');
    const { parties } = app.services;
    const terms = { purposes: ['SUPPORT' as const], categories: ['CONTACT' as const], country: 'US', service: 's' };
    for (const slug of ['mailer', 'unreachable', 'slow']) {
      await parties.registerSubProcessor({ slug, name: slug, ...terms }, 'test');
    }
    const application = await parties.registerApplication(
      {
        slug: 'shop',
        name: 'Shop',
        publisher: 'p',
        country: 'DE',
        scopes: [],
        privacyNoticeVersion: '1',
        privacyNoticeUrl: 'https://publisher.example/privacy',
      },
      'test',
    );
    const installation = await parties.install(
      client,
      { applicationId: application.id, acceptedNoticeVersion: '1', purposes: ['SUPPORT'] },
      'admin',
    );
    const register = async (asker: Asker, input: object) => {
      const result = await app.ask(
        asker,
        'LEGAL',
        'mutation ($input: RegisterWebhookInput!) { registerWebhook(input: $input) { endpoint { id secret } } }',
        { input },
      );
      expect(result.errors).toBeUndefined();
      return (result.data as { registerWebhook: { endpoint: { secret: string } } }).registerWebhook.endpoint.secret;
    };
    secrets.app = await register(admin, { installationId: installation.id, url: await servers.app.open() });
    secrets.mailer = await register(officer, { subProcessor: 'mailer', url: await servers.processor.open() });
    const alone = await app.ask(
      { role: 'PLATFORM_STAFF', client: 'acme' },
      'LEGAL',
      'mutation { registerWebhook(input: { subProcessor: "mailer", url: "https://example.org/" }) { endpoint { id } } }',
    );
    expect(alone.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    secrets.slow = await register(officer, { subProcessor: 'slow', url: await servers.slow.open() });
    sender = webhookSender(app.stores, app.services, {
      backoffMs: Array.from({ length: 10 }, () => 5),
      timeoutMs: 300,
      perEndpoint: 2,
      onDead: (letter) => dead.push(letter),
    });
  });
  afterAll(async () => {
    for (const server of Object.values(servers)) server.close();
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const erase = async (number: number) => {
    const [person] = await plantPeople(app.stores, client, [number]);
    if (!person) throw new Error('nobody was planted');
    const { id } = await app.services.erasure.erasures.request(client, person.id, {
      principal: 'admin',
      role: 'CLIENT_ADMIN',
      grounds: 'OBJECTION',
    });
    await jobWorker(app.stores, app.services).drain();
    return { id, person: person.id };
  };
  const told = async (id: string) => {
    const result = await app.ask(admin, 'LEGAL', recipients, { id });
    expect(result.errors).toBeUndefined();
    const { status, recipients: list } = (result.data?.erasureRequest ?? {}) as {
      status: string;
      recipients: Array<{ name: string; status: string; attempts: number }>;
    };
    return { status, byName: Object.fromEntries(list.map((recipient) => [recipient.name, recipient])) };
  };
  const sendUntil = async (condition: () => Promise<boolean>) => {
    for (const deadline = Date.now() + 30_000; !(await condition()); ) {
      if (Date.now() > deadline) throw new Error('it did not come about');
      await sender.begin();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const acknowledge = (
    received: Received,
    secret: string,
    { at = new Date(), type = 'erasure.acknowledged', id = 'msg_1' } = {},
  ) => {
    const { delivery } = (JSON.parse(received.body) as { data: { delivery: string } }).data;
    const body = JSON.stringify({ type, data: { client, delivery } });
    return app.services.webhooks.acknowledge(body, {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
    });
  };

  test('GDPR Art. 19: one fails nine times and then acknowledges, one never does, nobody waits for the slow one', async () => {
    servers.processor.answer = (attempt) => (attempt <= 9 ? 503 : 204);
    servers.slow.answer = () => 'never';
    const { id, person } = await erase(1);
    expect(await told(id)).toMatchObject({
      // D2: the person is gone whether or not anybody could be told.
      status: 'COMPLETED',
      byName: { mailer: { status: 'QUEUED' }, unreachable: { status: 'NO_ENDPOINT' }, Shop: { status: 'QUEUED' } },
    });
    await sendUntil(async () => (await told(id)).byName.Shop?.status === 'NOTIFIED');
    // The slow one still holds its first call, while the others have theirs behind them.
    await sendUntil(async () => (await told(id)).byName.mailer?.status === 'NOTIFIED');
    expect(servers.processor.received).toHaveLength(10);
    expect((await told(id)).byName.mailer).toMatchObject({ attempts: 10 });

    const [message] = servers.app.received;
    if (!message) throw new Error('nothing was received');
    const event = new Webhook(secrets.app ?? '').verify(message.body, message.headers) as Record<string, unknown>;
    expect(event).toMatchObject({ type: 'erasure.requested', data: { request: id, customer: person, client } });
    expect(() => new Webhook(secrets.mailer ?? '').verify(message.body, message.headers)).toThrow();
    expect(message.body).not.toContain(CANARY);
    const tenth = servers.processor.received[9];
    expect(tenth?.headers['webhook-id']).toBe(servers.processor.received[0]?.headers['webhook-id']);

    if (!tenth) throw new Error('nothing was received');
    expect(await acknowledge(tenth, secrets.app ?? '')).toBeUndefined();
    expect(await acknowledge(tenth, secrets.mailer ?? '', { at: new Date(Date.now() - 3_600_000) })).toBeUndefined();
    expect((await told(id)).byName.mailer).toMatchObject({ status: 'NOTIFIED', acknowledgedAt: null });
    expect(await acknowledge(tenth, secrets.mailer ?? '')).toEqual({ client, reference: id });
    expect((await told(id)).byName.mailer).toMatchObject({
      status: 'ACKNOWLEDGED',
      acknowledgedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/),
    });

    await sendUntil(async () => (await told(id)).byName.slow?.status === 'DEAD');
    expect((await told(id)).byName.slow).toMatchObject({ attempts: 11, notifiedAt: null });
    expect(dead).toEqual([{ endpoint: expect.any(String), fault: 'TIMEOUT' }]);
    expect(servers.slow.received).toHaveLength(11);
    // Neither the queue nor a dead letter holds the person's id or the signing secret (docs/pitfalls.md, 28).
    const texts = await dump(app.stores.regions.home);
    for (const secret of [person, CANARY, ...Object.values(secrets)]) expect(texts).not.toContain(secret);

    servers.slow.answer = () => 200;
    expect(await app.services.webhooks.revive(client, id)).toBe(1);
    await sendUntil(async () => (await told(id)).byName.slow?.status === 'NOTIFIED');
    await sender.settled();
  });

  it('attack S11: an acknowledgement is a message of its own: an echo, another type, our id and a replay are refused', async () => {
    servers.slow.answer = () => 204;
    const { webhooks } = app.services;
    const before = servers.app.received.length;
    const { id } = await erase(5);
    await sendUntil(async () => (await told(id)).byName.Shop?.status === 'NOTIFIED');
    const letter = servers.app.received[before];
    if (!letter) throw new Error('nothing was received');
    const secret = secrets.app ?? '';
    expect(await webhooks.acknowledge(letter.body, letter.headers)).toBeUndefined();
    const ours = letter.headers['webhook-id'];
    expect(await acknowledge(letter, secret, { id: ours })).toBeUndefined();
    for (const type of ['erasure.requested', 'client.acknowledged', '', 'anything']) {
      expect(await acknowledge(letter, secret, { type })).toBeUndefined();
    }
    expect((await told(id)).byName.Shop).toMatchObject({ status: 'NOTIFIED', acknowledgedAt: null });
    expect(await acknowledge(letter, secret)).toEqual({ client, reference: id });
    expect(await acknowledge(letter, secret)).toBeUndefined();
    expect(await acknowledge(letter, secret, { id: 'msg_2' })).toBeUndefined();
    await sender.settled();
    const entries = await app.services.auditReader.entries(client, {}, 200, undefined);
    const said = entries.filter(({ details }) => details?.reference === id).map(({ kind }) => kind);
    expect(said).toEqual(expect.arrayContaining(['WEBHOOK_DELIVERED', 'WEBHOOK_ACKNOWLEDGED']));
    expect(said.filter((kind) => kind === 'WEBHOOK_ACKNOWLEDGED')).toHaveLength(1);
    expect(entries.map(({ kind }) => kind)).toContain('WEBHOOK_UNDELIVERED');
  });

  it('attack S10: where erasures are told is on record', async () => {
    const about = async (of: string | undefined) =>
      app.services.auditReader.entries(of, { kind: 'WEBHOOK_REGISTERED' }, 9, undefined);
    expect((await about(client))[0]?.details).toMatchObject({
      recipientKind: 'APPLICATION',
      host: expect.stringMatching(/^127/),
    });
    expect((await about(undefined)).length).toBeGreaterThan(1);
  });

  test('a full queue to a blocked recipient holds nothing else up', async () => {
    servers.slow.answer = () => 'never';
    const before = servers.app.received.length;
    const requests = [];
    for (let number = 10; number < 18; number++) requests.push(await erase(number));
    await sendUntil(async () => servers.app.received.length === before + 8);
    await sender.settled();
    for (const { id } of requests) expect((await told(id)).byName.Shop).toMatchObject({ status: 'NOTIFIED' });
  });
});
