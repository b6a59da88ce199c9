import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { RotateKeys1700000000029 } from '../../../migrations/keys/1700000000029-rotate-keys';
import { CheckpointSigner } from '../../../src/audit/log/checkpoint';
import { signCertificate, verifyCertificate } from '../../../src/erasure/records/certificate';
import { platformKey } from '../../../src/keys/platform-key';
import { seal } from '../../../src/keys/sealing';
import { createServices } from '../../../src/services';
import { openTestApp } from '../../support/app';
import { databases } from '../../support/databases';

describe.each(databases)('keys from before rotation on $name', ({ create }) => {
  test('stay in use: certificates’ key is moved, the ledger’s is the one derived from the platform’s', async () => {
    const database = await create();
    const app = await openTestApp(database);
    const { keysSource, keys } = app.stores;
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const [privateKey, publicKey] = await Promise.all([exportJWK(pair.privateKey), exportJWK(pair.publicKey)]);
    const id = await calculateJwkThumbprint(publicKey);
    const sealed = seal(await platformKey(keys, 'signing'), privateKey, `signing-key:${id}`);
    const binary = keysSource.options.type === 'better-sqlite3' ? 'blob' : 'mediumblob';
    await keysSource.query(
      `CREATE TABLE signing_key (id varchar(64) PRIMARY KEY, public_key varchar(300), sealed_private ${binary},
       created_at bigint)`,
    );
    await keysSource.query('INSERT INTO signing_key VALUES (?, ?, ?, 1700000000000)', [
      id,
      JSON.stringify({ ...publicKey, kid: id, alg: 'EdDSA', use: 'sig' }),
      sealed,
    ]);
    await keysSource.query("INSERT INTO audit_head VALUES ('a-log', 1, 'a note', 0)");
    // Again, as after it died between its statements.
    const runner = keysSource.createQueryRunner();
    for (let run = 0; run < 2; run++) await new RotateKeys1700000000029().up(runner);
    await runner.release();

    const { erasure, ledger } = createServices(app.stores);
    const statement = { version: 1, request: 'r' } as unknown as Parameters<typeof signCertificate>[1];
    const certificate = await signCertificate(erasure.signingKeys, statement);
    const published = await erasure.signingKeys.publicKeys();
    expect(published).toMatchObject([{ kid: id, used: { from: '2023-11-14T22:13:20.000Z', until: null } }]);
    expect(await verifyCertificate(certificate, [publicKey])).toEqual(statement);
    const derived = new CheckpointSigner(await platformKey(keys, 'audit-signing'));
    expect((await ledger.signer()).publicKey).toEqual(derived.publicKey);
    await app.close();
    await database.drop();
  });
});
