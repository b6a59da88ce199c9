import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError, readConfig } from '../src/config';

function faults(env: Record<string, string>): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return error.faults.map(({ message }) => message);
  }
}

test('an empty environment is a development server on SQLite', () => {
  const defaults = {
    port: 4000,
    databaseUrl: 'sqlite:./data/remit.db',
    keysDatabaseUrl: 'sqlite:./data/keys.db',
    logLevel: 'info',
    production: false,
  };
  expect(readConfig({})).toMatchObject(defaults);
  expect(readConfig({ PORT: '', OIDC_ISSUER: ' ', KEYS_DATABASE_URL: '' })).toMatchObject(defaults);
});

test('every variable is read', () => {
  expect(
    readConfig({
      PORT: '8080',
      DATABASE_URL: 'mysql://remit:secret@db:3306/remit',
      KEYS_DATABASE_URL: 'mysql://remit:secret@keys:3306/keys',
      REMIT_MASTER_KEY_FILE: '/run/secrets/master.key',
      OIDC_ISSUER: 'https://id.example/realm',
      OIDC_AUDIENCE: 'remit',
      OIDC_CLAIM_ROLES: 'realm_access.roles',
      OIDC_CLAIM_SCOPE: 'https://acme.example/permissions, scp',
      ALLOWED_ORIGINS: 'https://app.example, http://localhost:3000',
      PUBLIC_ORIGIN: 'https://remit.example',
      COMPRESSION: 'all',
      SHUTDOWN_DELAY: '15',
      LOG_LEVEL: 'warn',
      NODE_ENV: 'production',
    }),
  ).toMatchObject({
    port: 8080,
    databaseUrl: 'mysql://remit:secret@db:3306/remit',
    keysDatabaseUrl: 'mysql://remit:secret@keys:3306/keys',
    masterKeyFile: '/run/secrets/master.key',
    oidcIssuer: 'https://id.example/realm',
    oidcAudience: 'remit',
    claimNames: {
      subject: ['sub'],
      tenant: ['tenant'],
      roles: ['realm_access.roles'],
      scope: ['https://acme.example/permissions', 'scp'],
      country: ['country'],
    },
    allowedOrigins: ['https://app.example', 'http://localhost:3000'],
    publicOrigin: 'https://remit.example',
    compression: 'all',
    shutdownDelay: 15,
    logLevel: 'warn',
    production: true,
  });
});

test('all faults are told at once, each with its variable and what would be right, and no value', () => {
  const told = faults({
    PORT: '70000',
    DATABASE_URL: 'mysql://remit:hunter2@db',
    OIDC_ISSUER: 'http://id.example',
    LOG_LEVEL: 'loud',
  });
  expect(told).toEqual([
    expect.stringMatching(/^PORT: .*0 to 65535/),
    expect.stringMatching(/^DATABASE_URL: .*mysql:\/\//),
    expect.stringMatching(/^OIDC_ISSUER: .*https/),
    expect.stringMatching(/^LOG_LEVEL: .*info/),
    expect.stringMatching(/^KEYS_DATABASE_URL: must be set/),
  ]);
  expect(told.join()).not.toMatch(/hunter2|70000|loud/);
});

test('a server closes at once in development, and in production when a load balancer has had time to notice', () => {
  expect(readConfig({}).shutdownDelay).toBe(0);
  expect(readConfig({ NODE_ENV: 'production' }).shutdownDelay).toBe(5);
  expect(readConfig({ NODE_ENV: 'production', SHUTDOWN_DELAY: '0' }).shutdownDelay).toBe(0);
});

test('what is wrong with two variables together, and with what a server needs, is told beside the rest', () => {
  const told = faults({ AUDIT_WITNESS_URL: 'https://w.example', AUDIT_ALERT_SECRET: 'hunter2', PORT: 'x' });
  expect(told.map((fault) => fault.replace(/:.*/, ''))).toEqual([
    'PORT',
    'AUDIT_ALERT_SECRET',
    'AUDIT_WITNESS_KEY',
    'AUDIT_ALERT_URL',
  ]);
  expect(told.join()).not.toContain('hunter2');
  const serving = () => readConfig({ NODE_ENV: 'production', PORT: 'x' }, { toServe: true });
  expect(serving).toThrow(/^PORT: .*\nOIDC_ISSUER: must be set.*\nREMIT_MASTER_KEY_FILE: must be set/);
});

test.each([
  ['*'],
  ['app.example'],
  ['https://app.example/'],
  ['https://app.example:443'],
  ['https://App.example'],
  ['https://user@app.example'],
  ['null'],
  ['https://app.example,*'],
])('%s is no list of origins', (text) => {
  expect(faults({ ALLOWED_ORIGINS: text })).toEqual([expect.stringMatching(/^ALLOWED_ORIGINS: must be an origin/)]);
  expect(faults({ PUBLIC_ORIGIN: text })).toEqual([expect.stringMatching(/^PUBLIC_ORIGIN: must be an origin/)]);
});

test('attack S9: proxies are named by address or range, and limits by their names', () => {
  expect(faults({ TRUSTED_PROXIES: '10.0.0.7, 10.0.0.0/8 ::1', LIMITS: 'sockets=5,socketBytes=1000' })).toEqual([]);
  for (const text of ['proxy.example', '10.0.0.0/33', '10.0.0.0/', 'true']) {
    expect(faults({ TRUSTED_PROXIES: text })).toEqual([expect.stringMatching(/^TRUSTED_PROXIES: must list addresses/)]);
  }
  expect(faults({ LIMITS: 'socks=5' })).toEqual([
    expect.stringMatching(/^LIMITS: there is no limit "socks"; the limits are /),
  ]);
});

test.each(['', 'a b', 'a"b', 'rôles', 'a,,b', 'a,'].map((text) => [text]))('%j names no claim', (text) => {
  expect(faults({ OIDC_CLAIM_ROLES: text })).toEqual(text === '' ? [] : [expect.stringMatching(/^OIDC_CLAIM_ROLES: /)]);
});

test.each([
  ['nothing', {}],
  ['nothing but spaces', { KEYS_DATABASE_URL: '  ' }],
  ['the data itself', { KEYS_DATABASE_URL: 'mysql://remit@db/remit' }],
])('beside a MySQL database the keys’ store may not be %s', (_, keys) => {
  expect(faults({ DATABASE_URL: 'mysql://remit@db/remit', ...keys })).toEqual([
    expect.stringMatching(/^KEYS_DATABASE_URL: /),
  ]);
});

test('an issuer in the clear is for this machine only', () => {
  expect(faults({ OIDC_ISSUER: 'http://127.0.0.1:9000' })).toEqual([]);
  for (const issuer of ['id.example', 'https://id.example/?a=b', 'https://user@id.example', 'ftp://id.example']) {
    expect(faults({ OIDC_ISSUER: issuer })).toHaveLength(1);
  }
});

test('a setting that is secret may be in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'remit-config-'));
  const file = join(folder, 'url');
  try {
    writeFileSync(file, 'sqlite:/srv/hunter2.db\n');
    expect(readConfig({ DATABASE_URL_FILE: file }).databaseUrl).toBe('sqlite:/srv/hunter2.db');
    expect(faults({ DATABASE_URL_FILE: file, DATABASE_URL: 'sqlite:./data/remit.db' })).toEqual([
      'DATABASE_URL_FILE: is set beside DATABASE_URL; keep one of them',
    ]);
    writeFileSync(file, 'hunter2');
    expect(faults({ KEYS_DATABASE_URL_FILE: file })).toEqual([expect.stringMatching(/^KEYS_DATABASE_URL: is not/)]);
    expect(faults({ KEYS_DATABASE_URL_FILE: file }).join()).not.toContain('hunter2');
    writeFileSync(file, '\n');
    expect(faults({ AUDIT_ALERT_SECRET_FILE: file })).toContain(`AUDIT_ALERT_SECRET_FILE: ${file} is empty`);
    expect(faults({ DATABASE_URL_EU_FILE: folder })).toEqual([
      `DATABASE_URL_EU_FILE: ${folder} cannot be read (EISDIR); let this user read it`,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('.env.example lists every variable that is read, and is sound', () => {
  const example = readFileSync(join(__dirname, '../.env.example'), 'utf8');
  const env = Object.fromEntries([...example.matchAll(/^#?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  const read = ['config.ts', 'keys/roots/root-settings.ts'].flatMap((path) => [
    ...readFileSync(join(__dirname, '../src', path), 'utf8').matchAll(/^ +([A-Z_]+): /gm),
  ]);
  expect(Object.keys(env).sort()).toEqual([...new Set(read.map(([, name]) => name))].sort());
  expect(faults(env)).toEqual([]);
});

test('a region’s keys’ store stands beside its data, apart from the others, under a root of its own', () => {
  const eu = {
    DATABASE_URL_EU: 'sqlite:./eu.db',
    KEYS_DATABASE_URL_EU: 'sqlite:./eu-keys.db',
    REMIT_MASTER_KEY_FILE_EU: './eu.key',
  };
  expect(readConfig(eu).regionalKeys).toEqual({ EU: { url: 'sqlite:./eu-keys.db', masterKeyFile: './eu.key' } });
  expect(readConfig({}).regionalKeys).toEqual({});
  const wrong: Array<[Record<string, string>, string]> = [
    [{ DATABASE_URL_EU: '' }, 'KEYS_DATABASE_URL_EU: needs DATABASE_URL_EU beside it'],
    [{ KEYS_DATABASE_URL_EU: 'sqlite:./eu.db' }, 'KEYS_DATABASE_URL_EU: must be another store than DATABASE_URL_EU'],
    [{ KEYS_DATABASE_URL: eu.KEYS_DATABASE_URL_EU }, 'must be another store than KEYS_DATABASE_URL'],
    [{ REMIT_MASTER_KEY_FILE_EU: '' }, 'REMIT_MASTER_KEY_FILE_EU: must be set beside KEYS_DATABASE_URL_EU'],
    [{ REMIT_MASTER_KEY_FILE: './eu.key' }, 'must be another file than REMIT_MASTER_KEY_FILE'],
    [{ KEYS_DATABASE_URL_EU: '' }, 'REMIT_MASTER_KEY_FILE_EU: has no use without KEYS_DATABASE_URL_EU'],
  ];
  for (const [set, says] of wrong) expect(faults({ ...eu, ...set })).toEqual([expect.stringContaining(says)]);
});
