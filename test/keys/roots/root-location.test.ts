import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../../src/config';
import { clientPackage } from '../../../src/keys/roots/client-package';
import { parseRootLocation } from '../../../src/keys/roots/root-location';
import { ConfigurationError } from '../../../src/storage/errors';

const token = 'pkcs11:token=remit;object=remit?module-path=/usr/lib/hsm.so&pin-source=file:/run/pin';
const key = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';

test.each([
  [
    'pkcs11:token=my%20token;object=a%3Bb;slot-id=3?module-path=/usr/lib/hsm.so&pin-source=file:/run/pin',
    { token: 'my token', object: 'a;b', slot: 3, modulePath: '/usr/lib/hsm.so', pinFile: '/run/pin' },
  ],
  [
    'pkcs11:serial=00ff;model=M;manufacturer=X;object=remit?pin-source=/run/pin&module-path=/usr/lib/hsm.so',
    {
      serial: '00ff',
      model: 'M',
      manufacturer: 'X',
      object: 'remit',
      modulePath: '/usr/lib/hsm.so',
      pinFile: '/run/pin',
    },
  ],
  ['aws-kms:eu-central-1', { region: 'eu-central-1', prefix: 'remit', deletionDays: 7 }],
  [
    'aws-kms:us-gov-west-1?prefix=remit-us&deletion-days=30&endpoint=https://vpce-1.kms.us-gov-west-1.vpce.amazonaws.com',
    {
      region: 'us-gov-west-1',
      prefix: 'remit-us',
      deletionDays: 30,
      endpoint: 'https://vpce-1.kms.us-gov-west-1.vpce.amazonaws.com',
    },
  ],
  [`gcp-kms:${key}`, { key }],
  ['azure-key-vault:https://name.vault.azure.net/?prefix=eu', { vault: 'https://name.vault.azure.net', prefix: 'eu' }],
  ['vault:https://vault.example:8200/eu/transit', { engine: expect.any(URL), prefix: 'remit' }],
  ['vault:http://127.0.0.1:8200/transit', { engine: expect.any(URL), prefix: 'remit' }],
])('%s is understood', (text, at) => {
  expect(parseRootLocation(text, 'REMIT_ROOT_KEY')).toEqual({ scheme: text.split(':')[0], at });
});

const secret = 'S3cr3t';
test.each([
  ['kms:eu', /must begin with pkcs11, aws-kms, gcp-kms, azure-key-vault or vault: /],
  [secret, /must begin with pkcs11/],
  [`pkcs11:token=a;object=b?module-path=/m&pin-value=${secret}`, /must not hold a PIN: name a file with pin-source/],
  ['pkcs11:token=a;object=b?module-path=/m&pin-source=|cat /etc/pin', /must give pin-source as a file/],
  ['pkcs11:token=a;object=b?module-path=/m&pin-source=https://x/pin', /must give pin-source as a file/],
  ['pkcs11:token=a;object=b', /lacks module-path/],
  ['pkcs11:token=a?module-path=/m', /lacks object/],
  ['pkcs11:object=b?module-path=/m', /names no token/],
  ['pkcs11:token=a;token=b;object=b?module-path=/m', /has token twice/],
  ['pkcs11:token=%ZZ;object=b?module-path=/m', /broken percent-encoding in token/],
  ['pkcs11:token=a;object=b;slot-id=one?module-path=/m', /slot-id as a number/],
  ['pkcs11:token=a;object=b;id=%01?module-path=/m', /attribute that is not supported: id/],
  ['aws-kms:nowhere', /must name a region/],
  ['aws-kms:eu-central-1?deletion-days=6', /deletion-days from 7 to 30/],
  ['aws-kms:eu-central-1?endpoint=http://kms.example', /begins with https/],
  [`aws-kms:eu-central-1?secret=${secret}`, /option that is not known; known are endpoint, prefix, deletion-days/],
  ['aws-kms:eu-central-1?prefix=Remit_1', /prefix of up to 40 lower-case letters/],
  ['gcp-kms:projects/p/locations/l/keyRings/r', /must name a key/],
  [`azure-key-vault:https://u:${secret}@name.vault.azure.net`, /must not hold a password/],
  ['vault:https://vault.example', /must name the transit engine too/],
  ['vault:http://vault.example/transit', /begins with https/],
  ['file:master.key', /whole path/],
])('%s is refused, and never repeated', (text, says) => {
  const parse = () => parseRootLocation(text, 'REMIT_ROOT_KEY');
  expect(parse).toThrow(ConfigurationError);
  expect(parse).toThrow(new RegExp(`^REMIT_ROOT_KEY: .*${says.source}`));
  expect(parse).not.toThrow(secret);
});

describe('the environment', () => {
  const faults = (env: Record<string, string>) => {
    try {
      readConfig({ OIDC_ISSUER: 'https://id.example', ...env }, { toServe: true });
      return [];
    } catch (error) {
      return (error as Error).message.split('\n');
    }
  };

  test('names one place', () => {
    const served = { NODE_ENV: 'production' };
    expect(faults({ ...served, REMIT_ROOT_KEY: 'aws-kms:eu-central-1' })).toEqual([]);
    expect(faults({ ...served, REMIT_MASTER_KEY_FILE: '/m' })).toEqual([]);
    expect(faults(served)).toEqual([expect.stringMatching(/^REMIT_MASTER_KEY_FILE: must be set in .*REMIT_ROOT_KEY/)]);
    expect(faults({ ...served, REMIT_MASTER_KEY_FILE: '/m', REMIT_ROOT_KEY: 'aws-kms:eu-central-1' })).toEqual([
      expect.stringMatching(/^REMIT_ROOT_KEY: is set beside REMIT_MASTER_KEY_FILE; .* REMIT_ROOT_KEY_BEFORE$/),
    ]);
    expect(faults({ REMIT_ROOT_KEY: 'file:/m' })).toEqual([expect.stringMatching(/^REMIT_ROOT_KEY: has no files/)]);
    expect(faults({ REMIT_ROOT_KEY: 'kms' })).toEqual([expect.stringMatching(/^REMIT_ROOT_KEY: must begin/)]);
  });

  test('says where roots were, while they move', () => {
    const both = { REMIT_ROOT_KEY: 'aws-kms:eu-central-1', REMIT_ROOT_KEY_BEFORE: 'file:/m' };
    expect(readConfig(both)).toMatchObject({ rootKey: 'aws-kms:eu-central-1', rootKeyBefore: 'file:/m' });
    expect(faults({ ...both, REMIT_ROOT_KEY_BEFORE: 'aws-kms:eu-central-1' })).toEqual([
      expect.stringMatching(/^REMIT_ROOT_KEY_BEFORE: names the place that is in use/),
    ]);
    expect(faults({ REMIT_MASTER_KEY_FILE: '/m', REMIT_ROOT_KEY_BEFORE: 'file:/m' })).toHaveLength(1);
  });

  test.each([
    [token, 'pkcs11:object=remit;token=remit?pin-source=/run/other&module-path=/usr/lib/../lib/hsm.so'],
    [
      'pkcs11:token=a%20b;object=r?module-path=/m&pin-source=/p',
      'pkcs11:token=%61%20b;object=r?pin-source=/q&module-path=/m',
    ],
    ['aws-kms:eu-central-1', 'aws-kms:eu-central-1?deletion-days=9&endpoint=https://vpce-1.example&prefix=remit'],
    [`gcp-kms:${key}`, `gcp-kms:${key}?endpoint=https://private.example`],
    ['azure-key-vault:https://name.vault.azure.net', 'azure-key-vault:https://NAME.vault.azure.net:443/?prefix=remit'],
    ['vault:https://vault.example/transit', 'vault:https://VAULT.example:443/transit/?prefix=remit'],
  ])('knows %s as the same place as %s', (one, other) => {
    const access = { VAULT_TOKEN: 't', DATABASE_URL_EU: 'sqlite:./eu.db', KEYS_DATABASE_URL_EU: 'sqlite:./eu-keys.db' };
    expect(faults({ ...access, REMIT_ROOT_KEY: one, REMIT_ROOT_KEY_EU: other })).toEqual([
      expect.stringMatching(
        /^REMIT_ROOT_KEY_EU: must be another place .* than REMIT_ROOT_KEY: each store has its root$/,
      ),
    ]);
    const eu = { REMIT_MASTER_KEY_FILE: '/m', REMIT_ROOT_KEY_EU: other, REMIT_ROOT_KEY_BEFORE_EU: one };
    expect(faults({ ...access, ...eu })).toEqual([
      expect.stringMatching(/^REMIT_ROOT_KEY_BEFORE_EU: names the place that is in use/),
    ]);
  });

  test('knows a file by every path to it, and two places apart', () => {
    const folder = mkdtempSync(join(tmpdir(), 'remit-places-'));
    const file = join(folder, 'master.key');
    writeFileSync(file, '');
    symlinkSync(folder, join(folder, 'here'));
    const eu = { DATABASE_URL_EU: 'sqlite:./eu.db', KEYS_DATABASE_URL_EU: 'sqlite:./eu-keys.db' };
    const home = { ...eu, REMIT_MASTER_KEY_FILE: file };
    const shared = expect.stringMatching(/_EU: must be another (?:file|place .*) than REMIT_MASTER_KEY_FILE: /);
    for (const path of [join(folder, 'here', 'master.key'), `${folder}//./master.key`]) {
      expect(faults({ ...home, REMIT_MASTER_KEY_FILE_EU: path })).toEqual([shared]);
      expect(
        faults({ ...home, REMIT_ROOT_KEY_EU: 'aws-kms:eu-west-1', REMIT_ROOT_KEY_BEFORE_EU: `file:${path}` }),
      ).toEqual([shared]);
    }
    expect(faults({ ...eu, REMIT_MASTER_KEY_FILE_EU: './data/master.key' }).join()).toContain(
      'REMIT_MASTER_KEY_FILE_EU',
    );
    const apart = [
      ...['aws-kms:eu-central-1', 'aws-kms:eu-central-1?prefix=other', 'aws-kms:eu-west-1'],
      ...[token, token.replace('object=remit', 'object=other'), token.replace('hsm.so', 'other.so')],
    ];
    for (const [place, one] of apart.entries()) {
      for (const other of apart.slice(place + 1))
        expect(faults({ ...eu, REMIT_ROOT_KEY: one, REMIT_ROOT_KEY_EU: other })).toEqual([]);
    }
    rmSync(folder, { recursive: true });
  });

  test('lets in', () => {
    const vault = { REMIT_ROOT_KEY: 'vault:https://vault.example/transit' };
    expect(faults(vault)).toEqual([
      expect.stringMatching(/^VAULT_TOKEN: must be set beside a REMIT_ROOT_KEY in Vault/),
    ]);
    expect(readConfig({ ...vault, VAULT_TOKEN_FILE: '/t', VAULT_NAMESPACE: 'eu' })).toMatchObject({
      rootAccess: { vault: { tokenFile: '/t', namespace: 'eu' } },
    });
    expect(faults({ REMIT_ROOT_KEY: token })).toEqual([]);
    const bare = { REMIT_ROOT_KEY: token.replace(/&pin.*/, '') };
    expect(faults(bare)).toEqual([expect.stringMatching(/^REMIT_ROOT_KEY: names no pin-source/)]);
    expect(readConfig({ ...bare, REMIT_ROOT_KEY_PIN: '1' })).toMatchObject({ rootAccess: { pin: '1' } });
  });

  test('a region has a place of its own', () => {
    const eu = {
      DATABASE_URL_EU: 'sqlite:./eu.db',
      KEYS_DATABASE_URL_EU: 'sqlite:./eu-keys.db',
      REMIT_ROOT_KEY: 'aws-kms:eu-central-1',
      REMIT_ROOT_KEY_EU: 'aws-kms:eu-central-1?prefix=eu',
    };
    expect(readConfig(eu).regionalKeys).toEqual({
      EU: { url: 'sqlite:./eu-keys.db', rootKey: eu.REMIT_ROOT_KEY_EU, rootAccess: expect.any(Object) },
    });
    expect(faults({ ...eu, REMIT_ROOT_KEY_EU: eu.REMIT_ROOT_KEY })).toEqual([
      expect.stringMatching(
        /^REMIT_ROOT_KEY_EU: must be another place .* than REMIT_ROOT_KEY: each store has its root$/,
      ),
    ]);
    expect(faults({ REMIT_ROOT_KEY_US: 'aws-kms:us-east-1' })).toEqual([
      'REMIT_ROOT_KEY_US: has no use without KEYS_DATABASE_URL_US; set both',
    ]);
  });
});

test('a package that is there and does not load is named with its fault', () => {
  const broken = () => {
    throw Object.assign(new Error('no such symbol'), { code: 'ERR_DLOPEN_FAILED' });
  };
  jest.doMock('pkcs11js', broken, { virtual: true });
  expect(() => clientPackage('pkcs11js')).toThrow(
    'REMIT_ROOT_KEY: needs the package pkcs11js, which does not load (ERR_DLOPEN_FAILED); run: npm install pkcs11js@2',
  );
});
