import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { readAnchors } from '../../src/audit/anchor-file';
import { Anchoring, fileAnchor } from '../../src/audit/anchors';
import { isCosigned, isSigned, parseCheckpoint } from '../../src/audit/checkpoint';
import { verifyConsistency } from '../../src/audit/merkle';
import { timestampAnchor } from '../../src/audit/timestamp';
import { witnessAnchor } from '../../src/audit/witness';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { findExecutable } from '../support/mariadb';

type Handler = (body: Buffer) => { status: number; body: string | Buffer };

async function serve(handler: Handler): Promise<{ url: string; close(): void }> {
  const server: Server = createServer(async (request, response) => {
    const { status, body } = handler(await buffer(request));
    response.writeHead(status).end(body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

/** A witness by C2SP tlog-witness, with a memory of its own. */
function witness() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const name = 'witness.example';
  const id = createHash('sha256').update(`${name}\n`).update(Buffer.of(4)).update(raw).digest().subarray(0, 4);
  const seen = new Map<string, { size: number; root: Buffer }>();
  const handler: Handler = (body) => {
    const [head = '', ...rest] = body.toString().split('\n\n');
    const [old = '', ...proof] = head.split('\n');
    const note = rest.join('\n\n');
    const { origin, size, root } = parseCheckpoint(note);
    const before = seen.get(origin) ?? { size: 0, root: createHash('sha256').digest() };
    if (old !== `old ${before.size}`) return { status: 409, body: `${before.size}\n` };
    const path = proof.map((hash) => Buffer.from(hash, 'base64'));
    if (before.size > 0 && !verifyConsistency(before.size, size, before.root, root, path)) {
      return { status: 422, body: '' };
    }
    seen.set(origin, { size, root });
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000)));
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    const message = `cosignature/v1\ntime ${time.readBigUInt64BE()}\n${text}`;
    const signature = Buffer.concat([id, time, sign(null, Buffer.from(message), privateKey)]);
    return { status: 200, body: `— ${name} ${signature.toString('base64')}\n` };
  };
  const key = `${name}+${id.toString('hex')}+${Buffer.concat([Buffer.of(4), raw]).toString('base64')}`;
  return { handler, key, seen };
}

describe.each(databases)('anchors on $name (statement G1)', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let folder: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    folder = mkdtempSync(join(tmpdir(), 'remit-anchors-'));
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const record = () => app.services.trail.record('TEST_CHANGE', { principal: 'test' });
  const receipts = (kind: string) =>
    app.stores.regions.home.query<Array<{ tree_size: number; receipt: Buffer }>>(
      'SELECT tree_size, receipt FROM audit_anchor WHERE kind = ? ORDER BY tree_size',
      [kind],
    );

  test('a file gets each checkpoint once, and is read back', async () => {
    const path = join(folder, 'anchors.jsonl');
    const failures: unknown[] = [];
    const anchoring = new Anchoring(app.services.ledger, [fileAnchor(path)], (error) => failures.push(error));
    await record();
    await anchoring.run();
    await anchoring.run();
    await record();
    await anchoring.close();
    expect(failures).toEqual([]);
    const { publicKey } = await app.services.ledger.signer();
    const sizes = (await readAnchors(readFileSync(path, 'utf8'), path, publicKey)).map(({ size }) => size);
    expect(sizes).toHaveLength(2);
    expect(sizes[1]).toBe((sizes[0] ?? 0) + 1);
  });

  test('a witness signs what has only grown, and its signature is kept', async () => {
    const { handler, key } = witness();
    const server = await serve(handler);
    const failures: unknown[] = [];
    try {
      const anchor = witnessAnchor(server.url, key);
      for (let times = 0; times < 3; times++) await record();
      const first = new Anchoring(app.services.ledger, [anchor], (error) => failures.push(error));
      await first.run();
      for (let times = 0; times < 3; times++) await record();
      await first.close();
      // A process that does not know what the witness has seen asks it.
      await record();
      await new Anchoring(app.services.ledger, [anchor], (error) => failures.push(error)).close();
      expect(failures).toEqual([]);
      const kept = await receipts('witness');
      expect(kept).toHaveLength(3);
      const { publicKey } = await app.services.ledger.signer();
      for (const { receipt, tree_size: size } of kept) {
        const note = receipt.toString();
        expect(parseCheckpoint(note).size).toBe(Number(size));
        expect(await isSigned(note, publicKey)).toBe(true);
        expect(await isCosigned(note, key)).toBe(true);
        expect(await isCosigned(note, witness().key)).toBe(false);
      }
    } finally {
      server.close();
    }
  });

  test('an anchor that fails is told of, and stops nothing', async () => {
    const server = await serve(() => ({ status: 500, body: '' }));
    const failures: unknown[] = [];
    try {
      await record();
      const anchors = [witnessAnchor(server.url, witness().key), timestampAnchor(server.url)];
      await new Anchoring(app.services.ledger, anchors, (error) => failures.push(error)).close();
      expect(failures.map(String)).toEqual([
        'Error: the witness answered 500',
        'Error: the time-stamping authority answered 500',
      ]);
      await expect(record()).resolves.toBeDefined();
    } finally {
      server.close();
    }
  });

  test('RFC 3161: a time stamp is kept, and openssl verifies it', async () => {
    const openssl = findExecutable('openssl');
    if (openssl === undefined) {
      if (process.env.CI === 'true') throw new Error('openssl must be installed: time stamps are checked with it');
      process.stderr.write('\n*** WARNING: openssl was not found: the time-stamp test is LEFT OUT. ***\n');
      return;
    }
    const home = join(folder, 'tsa');
    mkdirSync(home, { recursive: true });
    const run = (...args: string[]) => execFileSync(openssl, args, { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] });
    writeFileSync(join(home, 'tsa.cnf'), authority);
    writeFileSync(join(home, 'serial'), '01\n');
    run(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-days',
      '2',
      '-config',
      'tsa.cnf',
    );
    const server = await serve((query) => {
      writeFileSync(join(home, 'query.tsq'), query);
      run('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq', '-out', 'reply.tsr');
      return { status: 200, body: readFileSync(join(home, 'reply.tsr')) };
    });
    try {
      await record();
      const failures: unknown[] = [];
      const anchoring = new Anchoring(app.services.ledger, [timestampAnchor(server.url)], (e) => failures.push(e));
      await anchoring.close();
      expect(failures).toEqual([]);
      const [kept] = await receipts('timestamp');
      const [head] = await app.services.ledger.heads();
      writeFileSync(join(home, 'kept.tsr'), kept?.receipt ?? '');
      writeFileSync(join(home, 'note'), head?.checkpoint ?? '');
      run('ts', '-verify', '-data', 'note', '-in', 'kept.tsr', '-CAfile', 'cert.pem');
      writeFileSync(join(home, 'note'), 'another note');
      expect(() => run('ts', '-verify', '-data', 'note', '-in', 'kept.tsr', '-CAfile', 'cert.pem')).toThrow();
    } finally {
      server.close();
    }
  });
});

const authority = `
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = Test time-stamping authority
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = test
[test]
serial = serial
signer_cert = cert.pem
certs = cert.pem
signer_key = key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`;
