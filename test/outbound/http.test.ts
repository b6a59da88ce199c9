import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { isPublicAddress } from '../../src/outbound/addresses';
import { type OutboundPolicy, type OutboundRequest, send } from '../../src/outbound/http';
import { serve } from './serving';

const own: OutboundPolicy = { timeoutMs: 30_000, maxBytes: 1_000, privateAddresses: true };

const get = (url: string, policy: Partial<OutboundPolicy> = {}) => send({ url, method: 'GET' }, { ...own, ...policy });

test('a body and headers arrive, and so does the answer', async () => {
  const url = await serve(async (request, response) => {
    const { 'x-test': header, 'content-length': length } = request.headers;
    response.writeHead(418).end(`${request.method} ${header} ${length} ${await text(request)}`);
  });
  const request: OutboundRequest = { url, method: 'POST', headers: { 'x-test': 'yes' }, body: 'né' };
  const { status, body } = await send(request, own);
  expect([status, body.toString()]).toEqual([418, 'POST yes 3 né']);
});

describe('the size of an answer', () => {
  test('as large as allowed is read, one byte more is not', async () => {
    const url = await serve(({ url: path = '' }, response) => void response.end('x'.repeat(Number(path.slice(1)))));
    expect((await get(`${url}1000`)).body).toHaveLength(1_000);
    await expect(get(`${url}1001`)).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' });
  });

  test('an answer that never ends is cut off at the limit', async () => {
    let closed: Promise<unknown> | undefined;
    const url = await serve((_request, response) => {
      closed = once(response, 'close');
      response.writeHead(200);
      const more = () => {
        while (response.write('x'.repeat(10_000)));
        response.once('drain', more);
      };
      more();
    });
    await expect(get(url)).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' });
    await closed;
  });

  test('a packed answer is not unpacked', async () => {
    const url = await serve((request, response) => {
      expect(request.headers['accept-encoding']).toBe('identity');
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(900_000)));
    });
    expect((await get(url)).body.length).toBeLessThan(1_000);
  });

  test('with no bytes allowed, the status is told and the body left', async () => {
    const url = await serve((_request, response) => void response.writeHead(204).end());
    expect(await get(url, { maxBytes: 0 })).toEqual({
      status: 204,
      body: Buffer.alloc(0),
      date: expect.stringMatching(/ GMT$/),
    });
  });
});

describe('the time of an answer', () => {
  test.each([
    ['that never begins', () => undefined],
    ['that stops in its middle', (_request, response) => void response.writeHead(200).write('x')],
    [
      'that drips',
      (_request, response) => {
        const drip = setInterval(() => response.write('x'), 5);
        response.once('close', () => clearInterval(drip));
      },
    ],
  ] satisfies Array<[string, RequestListener]>)('ends one %s', async (_name, listener) => {
    const url = await serve(listener);
    await expect(get(url, { timeoutMs: 200, maxBytes: 1_000_000 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('a connection that is cut has a code of its own', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200).write('x', () => response.destroy());
    });
    await expect(get(url)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

test.each([301, 302, 303, 307, 308])('a redirect is returned, not followed: %d', async (status) => {
  let reached = false;
  const elsewhere = await serve((_request, response) => {
    reached = true;
    response.end();
  });
  const url = await serve((_request, response) => void response.writeHead(status, { location: elsewhere }).end());
  expect((await get(url)).status).toBe(status);
  expect(reached).toBe(false);
});

describe('guarded', () => {
  test.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['this host', '0.0.0.0'],
    ['private', '10.1.2.3'],
    ['private', '172.31.255.255'],
    ['private', '192.168.0.1'],
    ['carriers’ own', '100.64.0.1'],
    ['a cloud’s metadata', '169.254.169.254'],
    ['protocol assignments', '192.0.0.8'],
    ['documentation', '192.0.2.1'],
    ['documentation', '203.0.113.9'],
    ['benchmarks', '198.19.255.255'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['loopback', '::1'],
    ['unspecified', '::'],
    ['unique local', 'fd00::1'],
    ['link local', 'fe80::1'],
    ['link local with a zone', 'fe80::1%lo'],
    ['site local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['discard', '100::1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['segment routing', '5f00::1'],
    ['IPv4-mapped', '::ffff:10.0.0.1'],
    ['IPv4-mapped, in hexadecimal', '::ffff:a00:1'],
    ['IPv4-translated', '::ffff:0:10.0.0.1'],
    ['IPv4-compatible', '::10.0.0.1'],
    ['IPv4-compatible', '::7f00:1'],
    ['NAT64', '64:ff9b::a00:1'],
    ['local NAT64', '64:ff9b:1::a00:1'],
    ['6to4', '2002:a00:1::'],
    ['Teredo', '2001::a00:1'],
    ['no block of the internet', '4000::1'],
    ['no address', 'example.org'],
    ['no address', ''],
  ])('%s is not public: %s', (_name, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['93.184.216.34', '8.8.8.8', '2606:2800:220:1::1', '2001:4860:4860::8888', '::ffff:8.8.8.8'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test.each(['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]'])(
    'nothing is sent to %s',
    async (host) => {
      let reached = false;
      const url = await serve((_request, response) => {
        reached = true;
        response.end();
      });
      const guarded = get(url.replace('127.0.0.1', host), { privateAddresses: false });
      await expect(guarded).rejects.toMatchObject({ code: 'ADDRESS_FORBIDDEN' });
      expect(reached).toBe(false);
    },
  );
});
