import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { parseCheckpoint } from '../../src/audit/log/checkpoint';
import { verifyConsistency } from '../../src/audit/log/merkle';
import { findExecutable } from '../support/mariadb-process';

type Handler = (body: Buffer) => { status: number; body: string | Buffer };

/** A server of a test's own on this machine. */
export async function serve(handler: Handler): Promise<{ url: string; close(): void }> {
  const server: Server = createServer(async (request, response) => {
    const { status, body } = handler(await buffer(request));
    response.writeHead(status).end(body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

/** A witness by C2SP tlog-witness, with a memory of its own. */
export function witness(name = 'witness.example') {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
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

/**
 * A time-stamping authority by openssl, under an authority of its own; undefined, with a warning, where there is no
 * openssl.
 */
export function timestampAuthority(home: string) {
  const openssl = findExecutable('openssl');
  if (openssl === undefined) {
    if (process.env.CI === 'true') throw new Error('openssl must be installed: time stamps are checked with it');
    process.stderr.write('\n*** WARNING: openssl was not found: the time-stamp tests are LEFT OUT. ***\n');
    return undefined;
  }
  mkdirSync(home, { recursive: true });
  const run = (...args: string[]) => execFileSync(openssl, args, { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] });
  writeFileSync(join(home, 'tsa.cnf'), configuration);
  writeFileSync(join(home, 'serial'), '01\n');
  const request = (...more: string[]) => run('req', '-newkey', 'rsa:2048', '-nodes', '-config', 'tsa.cnf', ...more);
  request(
    '-x509',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-extensions',
    'authority',
    '-subj',
    '/CN=Test CA',
  );
  request('-keyout', 'key.pem', '-out', 'tsa.csr');
  const issuing = [
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-extfile',
    'tsa.cnf',
    '-extensions',
    'stamping',
  ];
  run('x509', '-req', '-in', 'tsa.csr', '-out', 'cert.pem', '-days', '2', ...issuing);
  const handler: Handler = (query) => {
    writeFileSync(join(home, 'query.tsq'), query);
    run('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq', '-out', 'reply.tsr');
    return { status: 200, body: readFileSync(join(home, 'reply.tsr')) };
  };
  return { home, run, handler, authority: readFileSync(join(home, 'ca.pem'), 'utf8') };
}

const configuration = `
[req]
prompt = no
distinguished_name = name
[name]
CN = Test time-stamping authority
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[stamping]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = test
[test]
serial = serial
signer_cert = cert.pem
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
