import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readConfig } from '../../src/config';
import { loadMasterKeyFile } from '../../src/keys/master-key';
import { root } from '../support/root';

interface Service {
  readonly image: string;
  readonly build?: string | { context: string; dockerfile: string };
  readonly command?: string[];
  readonly environment?: Record<string, string>;
  readonly secrets?: string[];
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly depends_on?: Record<string, { condition: string }>;
  readonly healthcheck?: object;
  readonly stop_grace_period?: string;
  readonly [setting: string]: unknown;
}

const folder = join(root, 'deploy/compose');
const compose = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, null>;
};
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image.startsWith('remit:'));

test('every image is pinned, and ours has the version of the package', () => {
  for (const [, { image }] of services) expect(image).toMatch(/^[a-z-]+:\d+\.\d+\.\d+$/);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const [, { image }] of ours) expect(image).toBe(`remit:${version}`);
});

test('settings are those that the server reads, and it takes them', () => {
  const known = readFileSync(join(root, '.env.example'), 'utf8');
  for (const [, { environment = {} }] of ours) {
    for (const name of Object.keys(environment)) expect(known).toContain(`\n${name}=`);
  }
  const { DATABASE_URL_FILE, KEYS_DATABASE_URL_FILE, ...rest } = compose.services.remit?.environment ?? {};
  expect([DATABASE_URL_FILE, KEYS_DATABASE_URL_FILE]).toEqual(['/run/secrets/data-url', '/run/secrets/keys-url']);
  const config = readConfig(
    { ...rest, DATABASE_URL: 'mysql://a@b/c', KEYS_DATABASE_URL: 'mysql://a@d/c' },
    { toServe: true },
  );
  expect(Number.parseInt(compose.services.remit?.stop_grace_period ?? '', 10)).toBeGreaterThan(config.shutdownGrace);
});

test('whatever a service names is there', () => {
  for (const [, service] of services) {
    for (const name of service.secrets ?? []) expect(compose.secrets).toHaveProperty([name]);
    for (const path of Object.values(service.environment ?? {}).filter((value) => value.startsWith('/run/secrets/'))) {
      expect(service.secrets).toContain(path.replace('/run/secrets/', ''));
    }
    for (const volume of service.volumes ?? []) {
      const [from = ''] = volume.split(':');
      // What secrets.sh makes, or a volume.
      if (from !== './root') expect(compose.volumes).toHaveProperty([from]);
    }
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      const other = compose.services[name];
      expect(condition).toBe(
        other?.command && !other.healthcheck ? 'service_completed_successfully' : 'service_healthy',
      );
    }
    const { build } = service;
    if (build === undefined) continue;
    const dockerfile = typeof build === 'string' ? join(build, 'Dockerfile') : join(build.context, build.dockerfile);
    expect(statSync(join(folder, dockerfile)).isFile()).toBe(true);
  }
});

test('nothing is to be reached from another machine, and what we build has no rights', () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  expect(ports).toEqual(['127.0.0.1:9000:9000', '127.0.0.1:4000:4000']);
  for (const [, service] of services.filter(([, { build }]) => build)) {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
  }
});

test('the issuer and the server agree on the address, the audience and the page', () => {
  const issuer = compose.services.issuer?.environment ?? {};
  const server = compose.services.remit?.environment ?? {};
  expect(compose.services.remit?.network_mode).toBe('service:issuer');
  expect([server.OIDC_ISSUER, server.OIDC_AUDIENCE, server.OIDC_SCOPE]).toEqual([
    ...[issuer.ISSUER, issuer.AUDIENCE, issuer.SCOPE],
  ]);
  expect(issuer.REDIRECT_URI).toBe(`${server.PUBLIC_ORIGIN}/playground/`);
  const source = readFileSync(join(folder, 'issuer/issuer.mjs'), 'utf8');
  expect(source).toContain(`client_id: '${server.OIDC_CLIENT_ID}'`);
  for (const name of Object.keys(issuer)) expect(source).toContain(name);
});

test('the issuer’s package is the one that the tests sign in at', () => {
  const lock = JSON.parse(readFileSync(join(folder, 'issuer/package-lock.json'), 'utf8'));
  const tested = JSON.parse(readFileSync(join(root, 'node_modules/oidc-provider/package.json'), 'utf8'));
  expect(lock.packages['node_modules/oidc-provider'].version).toBe(tested.version);
});

test('secrets.sh makes every secret once, and the server takes them', async () => {
  const into = mkdtempSync(join(tmpdir(), 'remit-compose-'));
  try {
    const make = () => execFileSync(join(folder, 'secrets.sh'), [into], { stdio: 'pipe' });
    const contents = () => Object.fromEntries(files().map((name) => [name, readFileSync(join(into, name), 'utf8')]));
    const files = () => Object.values(compose.secrets).map(({ file }) => file);
    make();
    const made = contents();
    make();
    expect(contents()).toEqual(made);
    expect(
      readdirSync(join(into, 'secrets'))
        .map((name) => `secrets/${name}`)
        .sort(),
    ).toEqual(files().sort());
    expect(statSync(join(into, 'secrets')).mode & 0o777).toBe(0o700);
    expect(statSync(join(into, 'root')).mode & 0o777).toBe(0o700);
    const { id } = await loadMasterKeyFile(join(into, 'root/master.key'), { production: true });
    // As it was made before there were epochs.
    renameSync(join(into, 'root/master.key'), join(into, 'secrets/master.key'));
    make();
    expect((await loadMasterKeyFile(join(into, 'root/master.key'), { production: true })).id).toBe(id);
    for (const [, { environment = {}, volumes = [] }] of ours) {
      expect(environment.REMIT_MASTER_KEY_FILE).toBe('/var/lib/remit/master.key');
      expect(volumes).toEqual(['./root:/var/lib/remit']);
    }
    const urls = ['data', 'keys'].map((store) => join(into, `secrets/${store}-url`));
    const config = readConfig({ DATABASE_URL_FILE: urls[0], KEYS_DATABASE_URL_FILE: urls[1] });
    expect(config.databaseUrl).toMatch(/^mysql:\/\/remit:[0-9a-f]{48}@data:3306\/remit$/);
    expect(config.keysDatabaseUrl).toMatch(/@keys:3306\/remit$/);
    writeFileSync(join(into, 'secrets/data-password'), 'mine');
    make();
    expect(readFileSync(join(into, 'secrets/data-password'), 'utf8')).toBe('mine');
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
});
