import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { webhookSender } from '../../src/background';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const staff: Asker = { role: 'PLATFORM_STAFF' };
const adminOf = (client: string): Asker => ({ role: 'CLIENT_ADMIN', client });
const vendor = {
  slug: 'helpdesk',
  name: 'Helpdesk Inc.',
  service: 'tickets',
  country: 'IE',
  purposes: ['SUPPORT'],
  categories: ['NAME', 'CONTACT'],
  engagedFrom: '2031-01-01T00:00:00.000Z',
};
const mailer = {
  slug: 'mailer',
  name: 'Mailer',
  publisher: 'Post GmbH',
  country: 'DE',
  scopes: ['crm:read'],
  privacyNoticeVersion: '1',
  privacyNoticeUrl: 'https://mailer.example/privacy/1',
  privacyNoticeText: 'We send letters.',
};

interface Told {
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
}

describe.each(databases)('what changes under clients on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeEach(async () => {
    database = await create();
    app = await openTestApp(database);
    for (const slug of ['acme', 'globex']) await app.services.clients.register({ slug, name: slug }, 'test');
  });
  afterEach(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const registerVendor = async (input: object) => {
    const document = `mutation ($input: RegisterSubProcessorInput!) {
      registerSubProcessor(input: $input) { subProcessor { id } } }`;
    expect((await app.ask(staff, undefined, document, { input })).errors).toBeUndefined();
  };
  const registerMailer = async (input: object) => {
    const document = `mutation ($input: RegisterThirdPartyApplicationInput!) {
      registerThirdPartyApplication(input: $input) { application { id } } }`;
    const { data, errors } = await app.ask(staff, undefined, document, { input });
    const payload = data?.registerThirdPartyApplication as { application: { id: string } } | null | undefined;
    return { id: payload?.application.id ?? '', message: errors?.[0]?.message };
  };
  const install = async (client: string, applicationId: string, acceptedNoticeVersion: string) => {
    const document = `mutation ($input: InstallThirdPartyApplicationInput!) {
      installThirdPartyApplication(input: $input) { installation { id } } }`;
    const input = { applicationId, acceptedNoticeVersion, purposes: ['SUPPORT'] };
    return (await app.ask(adminOf(client), undefined, document, { input })).errors?.[0]?.extensions;
  };
  const told = async (client: string): Promise<Told[]> => {
    const { data } = await app.ask(adminOf(client), undefined, '{ notices { nodes { kind subject message } } }');
    const { nodes } = (data?.notices ?? { nodes: [] }) as { nodes: Told[] };
    return nodes;
  };
  const tell = () => app.services.announcements.tellDue();

  test('S2: every client is told of a new sub-processor and of its new terms, once each', async () => {
    await registerVendor(vendor);
    expect(await told('acme')).toEqual([]);
    expect(await tell()).toBe(1);
    expect(await tell()).toBe(0);
    for (const client of ['acme', 'globex']) {
      expect(await told(client)).toEqual([
        {
          kind: 'SUB_PROCESSOR_ADDED',
          subject: 'New sub-processor: Helpdesk Inc.',
          message: [
            'Name: Helpdesk Inc.',
            'Service: tickets',
            'Country: IE',
            'Purposes: SUPPORT',
            'Categories: CONTACT, NAME',
            'Engaged from: 2031-01-01T00:00:00.000Z',
            'Engaged to: until further notice',
            'You may object to it before it is engaged (GDPR Art. 28(2)).',
          ].join('\n'),
        },
      ]);
    }
    await registerVendor({ ...vendor, categories: ['CONTACT', 'NAME'] });
    expect(await tell()).toBe(0);
    await registerVendor({ ...vendor, country: 'US', categories: ['CONTACT', 'NAME', 'COMMERCE'] });
    await tell();
    expect((await told('globex'))[0]).toEqual({
      kind: 'SUB_PROCESSOR_CHANGED',
      subject: 'Sub-processor Helpdesk Inc. has new terms',
      message: 'Country: US (before: IE)\nCategories: COMMERCE, CONTACT, NAME (before: CONTACT, NAME)',
    });
  });

  test('S3: whoever has installed an application is told of its new notice, with text and URL, and that it stopped', async () => {
    const { id } = await registerMailer(mailer);
    await tell();
    expect(await install('acme', id, '1')).toBeUndefined();
    const next = {
      ...mailer,
      country: 'US',
      privacyNoticeVersion: '2',
      privacyNoticeUrl: 'https://mailer.example/privacy/2',
      privacyNoticeText: `We read letters too. ${'a'.repeat(3_000)}`,
    };
    await registerMailer(next);
    await tell();
    expect(await told('globex')).toEqual([]);
    const [notice, ...more] = await told('acme');
    expect(more).toEqual([]);
    expect(notice).toMatchObject({
      kind: 'PRIVACY_NOTICE_CHANGED',
      subject: 'Mailer has a new privacy notice, version 2, and has stopped',
    });
    for (const said of [
      'reads nothing of yours until you accept it',
      `applicationId ${id} and acceptedNoticeVersion 2`,
      'https://mailer.example/privacy/2',
      'Country: US (before: DE)',
      'We read letters too.',
      'In full: thirdPartyApplications { privacyNoticeText }',
    ]) {
      expect(notice?.message).toContain(said);
    }
    const { data } = await app.ask(
      adminOf('acme'),
      undefined,
      '{ installations { inForce application { privacyNoticeUrl privacyNoticeText } } }',
    );
    expect(data?.installations).toEqual([
      {
        inForce: false,
        application: { privacyNoticeUrl: next.privacyNoticeUrl, privacyNoticeText: next.privacyNoticeText },
      },
    ]);
    expect(await install('acme', id, '1')).toMatchObject({
      code: 'PRIVACY_NOTICE_NOT_ACCEPTED',
      version: '2',
      url: next.privacyNoticeUrl,
    });
    expect(await install('acme', id, '2')).toBeUndefined();
  });

  test('S3: another country or publisher is told, a notice’s text never changes under its version', async () => {
    const { id } = await registerMailer(mailer);
    await install('acme', id, '1');
    await registerMailer({ ...mailer, privacyNoticeUrl: 'https://mailer.example/moved' });
    expect(await tell()).toBe(0);
    await registerMailer({ ...mailer, publisher: 'Other GmbH' });
    const other = await registerMailer({ ...mailer, privacyNoticeText: 'We sell letters.' });
    expect(other.message).toContain('give it a version of its own');
    // Whoever has accepted a version already need not be told of it.
    await tell();
    expect(await told('acme')).toEqual([
      {
        kind: 'APPLICATION_CHANGED',
        subject: 'Mailer, which you have installed, has changed',
        message: 'Publisher: Other GmbH (before: Post GmbH)',
      },
    ]);
  });

  test('a client’s own endpoint is told too, signed, and another’s is not', async () => {
    const received: Array<{ headers: Record<string, string>; body: string }> = [];
    const server = createServer(async (request, response) => {
      received.push({ headers: request.headers as Record<string, string>, body: await text(request) });
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notices`;
    const document = `mutation ($url: String!) { registerWebhook(input: { url: $url }) { endpoint { id secret } } }`;
    const { data, errors } = await app.ask(adminOf('acme'), undefined, document, { url });
    expect(errors).toBeUndefined();
    const { secret } = (data?.registerWebhook as { endpoint: { secret: string } } | undefined)?.endpoint ?? {
      secret: '',
    };
    for (const role of ['CLIENT_AGENT', 'AUDITOR', 'PLATFORM_STAFF'] as const) {
      const refused = await app.ask({ role, client: 'acme' }, undefined, document, { url });
      expect(refused.errors?.[0]?.extensions.code).toMatch(/^(FORBIDDEN|BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED)$/);
    }

    await registerVendor(vendor);
    await tell();
    await tell();
    const sender = webhookSender(app.stores, app.services);
    expect(await sender.begin()).toBe(1);
    await sender.settled();
    expect(await sender.begin()).toBe(0);
    server.close();
    const [letter] = received;
    expect(received).toHaveLength(1);
    expect(new Webhook(secret).verify(letter?.body ?? '', letter?.headers ?? {})).toMatchObject({
      type: 'client.notice',
      data: { kind: 'SUB_PROCESSOR_ADDED', subject: 'New sub-processor: Helpdesk Inc.', notice: expect.any(String) },
    });
  });

  test('a failure midway keeps nobody else untold, and nobody is told twice', async () => {
    await registerVendor(vendor);
    const { notices } = app.services.transfers;
    const send = notices.send.bind(notices);
    let failures = 1;
    jest.spyOn(notices, 'send').mockImplementation(async (client, notice) => {
      if (failures-- > 0) throw new Error('the database is gone');
      return send(client, notice);
    });
    await expect(tell()).rejects.toThrow('the database is gone');
    const counts = async () => [(await told('acme')).length, (await told('globex')).length].sort();
    expect(await counts()).toEqual([0, 1]);
    await tell();
    expect(await counts()).toEqual([1, 1]);
  });
});
