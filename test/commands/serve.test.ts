import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Issuer, startIssuer } from '../identity/issuer';
import { remit, startRemit } from '../support/cli';

// Processes are started here, on machines that may be busy.
jest.setTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), 'remit-serve-'));
const children: ReturnType<typeof startRemit>[] = [];
let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer(['EdDSA']);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await issuer.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a server, and waits until it listens. */
async function serve(words: readonly string[], env: Record<string, string>) {
  const child = startRemit(['serve', ...words], {
    cwd: mkdtempSync(join(folder, 'served-')),
    env: { ...env, PORT: '0' },
  });
  children.push(child);
  let log = '';
  child.stdout.on('data', (chunk) => {
    log += chunk;
  });
  const until = async (holds: () => boolean | Promise<boolean>) => {
    for (let tries = 0; !(await holds()); tries++) {
      if (tries > 2_000) throw new Error(`it did not come to that: ${log}`);
      await sleep(20);
    }
  };
  const listening = /"msg":"listening on (http:\/\/[\d.:]+)\/graphql"/;
  await until(() => listening.test(log));
  const url = String(listening.exec(log)?.[1]);
  const ready = async () => {
    const answer = await fetch(`${url}/readyz`, { headers: { connection: 'close' } });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  return { child, url, ready, until, log: () => log };
}

test('all that is wrong with a server’s environment is told at once, each with its variable', async () => {
  const keyFile = join(folder, 'spoilt.key');
  writeFileSync(keyFile, 'hunter2', { mode: 0o600 });
  const { code, stdout, stderr } = await remit(['serve'], {
    cwd: folder,
    env: {
      NODE_ENV: 'production',
      PORT: 'x',
      DATABASE_URL: 'mysql://remit:hunter2@db/remit',
      REMIT_MASTER_KEY_FILE: keyFile,
      AUDIT_WITNESS_URL: 'https://witness.example',
      ALLOWED_ORIGINS: '*',
      SHUTDOWN_DELAY: 'soon',
    },
  });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.split('\n').map((line) => line.replace(/^(error: [A-Z_]+): .+$/, '$1'))).toEqual([
    ...['REMIT_MASTER_KEY_FILE', 'PORT', 'ALLOWED_ORIGINS', 'SHUTDOWN_DELAY', 'KEYS_DATABASE_URL'].map(
      (name) => `error: ${name}`,
    ),
    ...['AUDIT_WITNESS_KEY', 'OIDC_ISSUER'].map((name) => `error: ${name}`),
    '',
  ]);
  expect(stderr).not.toContain('hunter2');
});

test('an issuer that cannot be reached is named by /readyz and by the log, and its return is told', async () => {
  issuer.up = false;
  const { child, ready, until, log } = await serve([], { OIDC_ISSUER: issuer.url });
  expect(await ready()).toEqual({
    status: 503,
    body: { status: 'not ready', faults: [expect.stringContaining(`(OIDC_ISSUER is ${issuer.url})`)] },
  });
  await until(() => log().includes('the token issuer cannot be reached'));
  expect(log()).toContain(issuer.url);
  issuer.up = true;
  await until(async () => (await ready()).status === 200);
  expect((await ready()).body).toEqual({ status: 'ready' });
  await until(() => log().includes('the token issuer can be reached again'));
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test.each([
  ['one process', []],
  ['two workers', ['--workers', '2']],
])('%s says that it is not ready before it closes, and answers until then', async (_, words) => {
  const { child, url, ready, until } = await serve(words, { SHUTDOWN_DELAY: '4' });
  expect((await ready()).status).toBe(200);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await until(async () => (await ready()).status === 503);
  expect((await ready()).body).toEqual({ status: 'not ready', faults: ['the server is shutting down'] });
  expect((await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).status).toBe(200);
  expect(await exited).toEqual([0, null]);
});

test('sample data is not made in production', async () => {
  const { code, stderr } = await remit(['seed', '--customers', '1'], { cwd: folder, env: { NODE_ENV: 'production' } });
  expect([code, stderr]).toEqual([1, expect.stringContaining('sample data is refused in production')]);
});
