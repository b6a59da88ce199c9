import { readFileSync } from 'node:fs';
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

test('.env.example lists every variable that is read, and is sound', () => {
  const example = readFileSync(join(__dirname, '../.env.example'), 'utf8');
  const env = Object.fromEntries([...example.matchAll(/^#?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  const read = readFileSync(join(__dirname, '../src/config.ts'), 'utf8').matchAll(/^ +([A-Z_]+): /gm);
  expect(Object.keys(env).sort()).toEqual([...new Set([...read].map(([, name]) => name))].sort());
  expect(faults(env)).toEqual([]);
});
