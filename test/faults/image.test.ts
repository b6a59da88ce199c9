import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { carryOut, type Image, installed, instructions, isInContext, nobody, pruned } from '../deploy/image-steps';
import { type Issuer, startIssuer } from '../identity/issuer';
import { root } from '../support/root';

jest.setTimeout(240_000);

const folder = mkdtempSync(join(tmpdir(), 'remit-image-'));
const install = 'npm ci --ignore-scripts --no-audit --no-fund && npm rebuild better-sqlite3';
const installPlayground = 'npm --prefix src/gateway/playground ci --no-audit --no-fund';
const prune = 'npm prune --omit=dev --ignore-scripts --no-audit --no-fund';
const hasPlayground = existsSync(join(root, 'src/gateway/playground/node_modules'));
let issuer: Issuer;

beforeAll(async () => {
  // The other user must be able to come here.
  chmodSync(folder, 0o755);
  issuer = await startIssuer(['EdDSA']);
});

afterAll(async () => {
  await issuer.close();
  execFileSync('rm', ['-rf', folder]);
});

test('the image has the Node that the tests run on, by its whole version', () => {
  const text = instructions.map(String).join('\n');
  const [, version = ''] = /^ARG NODE=(\d+\.\d+\.\d+)$/m.exec(text) ?? [];
  expect(version.split('.')[0]).toBe(process.versions.node.split('.')[0]);
  const bases = instructions.filter((each) => each.getKeyword() === 'FROM').map(String);
  for (const base of bases) expect(base).toMatch(/^FROM node:\$\{NODE\}-bookworm(-slim)?( AS build)?$/);
});

test('secrets, data and what was built on this machine stay out of the build', () => {
  const left = [
    '.env',
    '.git/config',
    'data/remit.db',
    'dist/src/main.js',
    'node_modules/pino/pino.js',
    'test/rows.ts',
  ];
  expect(left.filter(isInContext)).toEqual([]);
  expect(
    ['package.json', 'src/main.ts', '.ci/drop-stale.js', 'schema/directives.graphql'].filter(isInContext),
  ).toHaveLength(4);
});

test('its steps, carried out as a script, make a server that runs on a root it cannot write', async () => {
  const image = carryOut(folder, {
    [install]: installed(''),
    ...(hasPlayground ? { [installPlayground]: installed('src/gateway/playground') } : {}),
    [prune]: pruned,
  });
  expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  protect(image.folder);
  const { url, stop } = await start(image);
  const get = async (path: string) => (await fetch(`${url}${path}`)).status;
  expect([await get('/healthz'), await get('/readyz'), await get('/playground/')]).toEqual([200, 200, 200]);
  const [program = '', ...words] = image.healthcheck;
  const checked = (port: string) => spawnSync(program, words, { env: { PATH: process.env.PATH, PORT: port } }).status;
  expect([checked(new URL(url).port), checked('1')]).toEqual([0, 1]);
  const token = await issuer.sign({ sub: 'officer', roles: ['PLATFORM_PRIVACY_OFFICER'], country: 'DE' });
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ __typename }' }),
  });
  expect(await answer.json()).toMatchObject({ data: { __typename: 'Query' } });
  expect(await stop()).toBe(0);
});

/** Nobody but root may write there, and the user of the image is not root. */
function protect(path: string): void {
  if (nobody.uid !== undefined) execFileSync('chown', ['-R', '-h', '0:0', path]);
  execFileSync('chmod', ['-R', 'a-w,a+rX', path]);
  const attempt = spawnSync('touch', [join(path, 'written')], { ...nobody, stdio: 'ignore' });
  expect(attempt.status).not.toBe(0);
}

async function start({ folder: cwd, env, command }: Image) {
  const data = join(folder, 'data');
  mkdirSync(data);
  const key = join(data, 'master.key');
  writeFileSync(key, Buffer.alloc(32, 5).toString('base64'), { mode: 0o600 });
  if (nobody.uid !== undefined) execFileSync('chown', ['-R', `${nobody.uid}:${nobody.gid}`, data]);
  const [program = '', ...words] = command;
  const child = spawn(program, words, {
    cwd,
    ...nobody,
    env: {
      ...env,
      PATH: process.env.PATH,
      PORT: '0',
      DATABASE_URL: `sqlite:${join(data, 'remit.db')}`,
      KEYS_DATABASE_URL: `sqlite:${join(data, 'keys.db')}`,
      REMIT_MASTER_KEY_FILE: key,
      OIDC_ISSUER: issuer.url,
      SHUTDOWN_DELAY: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += chunk;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const listening = /"msg":"listening on http:\/\/[\d.]+:(\d+)\/graphql"/;
  for (let tries = 0; !listening.test(log); tries++) {
    if (tries > 1_000 || child.exitCode !== null) throw new Error(`it did not start: ${log}`);
    await sleep(20);
  }
  const stop = () => {
    child.kill('SIGTERM');
    return exited;
  };
  return { url: `http://127.0.0.1:${listening.exec(log)?.[1]}`, stop };
}

const hasEngine = spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0;
if (!hasEngine) {
  process.stderr.write('\n*** WARNING: no Docker engine answers: the image itself is NOT built, only its steps. ***\n');
}

if (hasEngine) {
  test('Docker builds it, and it starts on a read-only root', () => {
    const docker = (...words: string[]) => execFileSync('docker', words, { cwd: root, encoding: 'utf8' });
    const tag = `remit-test-${process.pid}`;
    docker('build', '--file', 'deploy/Dockerfile', '--tag', tag, '.');
    try {
      const run = ['run', '--rm', '--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', tag];
      expect(docker(...run, '--version').trim()).toBe(
        JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
      );
    } finally {
      docker('rmi', '--force', tag);
    }
  });
}
