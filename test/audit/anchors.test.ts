import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cosignedAt, isSigned, parseCheckpoint } from '../../src/audit/log/checkpoint';
import { readAnchors } from '../../src/audit/witness/anchor-file';
import { Anchoring, fileAnchor } from '../../src/audit/witness/anchors';
import { timestampAnchor } from '../../src/audit/witness/timestamp';
import { witnessAnchor } from '../../src/audit/witness/witness';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { serve, timestampAuthority, witness } from './outside';

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

  const record = () => app.services.recorder.record('GRANT_GIVEN', { principal: 'test' });
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
    await anchoring.run();
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
      await first.run();
      // A process that does not know what the witness has seen asks it.
      await record();
      await new Anchoring(app.services.ledger, [anchor], (error) => failures.push(error)).run();
      expect(failures).toEqual([]);
      const kept = await receipts('witness');
      expect(kept).toHaveLength(3);
      const { publicKey } = await app.services.ledger.signer();
      for (const { receipt, tree_size: size } of kept) {
        const note = receipt.toString();
        expect(parseCheckpoint(note).size).toBe(Number(size));
        expect(await isSigned(note, publicKey)).toBe(true);
        expect(await cosignedAt(note, key)).toBeInstanceOf(Date);
        expect(await cosignedAt(note, witness().key)).toBeUndefined();
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
      await new Anchoring(app.services.ledger, anchors, (error) => failures.push(error)).run();
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
    const authority = timestampAuthority(join(folder, 'tsa'));
    if (!authority) return;
    const { home, run } = authority;
    const server = await serve(authority.handler);
    try {
      await record();
      const failures: unknown[] = [];
      const anchoring = new Anchoring(app.services.ledger, [timestampAnchor(server.url)], (e) => failures.push(e));
      await anchoring.run();
      expect(failures).toEqual([]);
      const [kept] = await receipts('timestamp');
      const [head] = await app.services.ledger.heads();
      writeFileSync(join(home, 'kept.tsr'), kept?.receipt ?? '');
      writeFileSync(join(home, 'note'), head?.checkpoint ?? '');
      run('ts', '-verify', '-data', 'note', '-in', 'kept.tsr', '-CAfile', 'ca.pem');
      writeFileSync(join(home, 'note'), 'another note');
      expect(() => run('ts', '-verify', '-data', 'note', '-in', 'kept.tsr', '-CAfile', 'ca.pem')).toThrow();
    } finally {
      server.close();
    }
  });
});
