import { keptHeads } from '../../src/audit/log/checkpoint-store';
import { faultOfProof } from '../../src/audit/log/proof';
import { pruneLedger, TamperedLogError } from '../../src/audit/log/pruning';
import { mayBePruned } from '../../src/audit/log/retention-rules';
import { verifyLedger } from '../../src/audit/verification/verification';
import { createServices, type Services } from '../../src/services';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const YEAR = 365.25 * 24 * 60 * 60_000;

describe.each(databases)('retention of entries on $name (statement D6)', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  /** Of a process that begins with each test, as its log does. */
  let services: Services;
  let log: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
  });

  beforeEach(async () => {
    services = createServices(app.stores);
    await write(300);
    log = (await services.ledger.heads())[0]?.logId ?? '';
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const home = () => app.stores.regions.home;
  const write = (count: number) =>
    Promise.all(Array.from({ length: count }, () => services.recorder.record('GRANT_GIVEN', { principal: 'test' })));
  const count = async () =>
    Number((await home().query('SELECT COUNT(*) AS n FROM audit_entry WHERE log_id = ?', [log]))[0].n);
  const prune = (years: number) => pruneLedger([home()], services.recorder, Date.now() + years * YEAR);

  async function verify() {
    await services.ledger.close();
    const { publicKey } = await services.ledger.signer();
    const { heads } = await keptHeads(app.stores.keysSource, publicKey);
    return verifyLedger([home()], { publicKey, witnessed: heads, anchored: [] });
  }

  test('nothing goes before its time', async () => {
    expect(await prune(9)).toEqual([]);
    const at = Date.UTC(2020, 1, 29);
    expect(mayBePruned('ACCESS', at, Date.UTC(2026, 1, 28))).toBe(false);
    expect(mayBePruned('ACCESS', at, Date.UTC(2026, 2, 1))).toBe(true);
    expect(mayBePruned('GRANT_GIVEN', at, Date.UTC(2029, 11, 31))).toBe(false);
  });

  test('whole tiles go, what is left verifies, and that they are gone is an entry', async () => {
    const all = await count();
    expect(await prune(11)).toContainEqual({ log, entries: 256 });
    expect(await count()).toBeLessThan(all - 200);
    const report = await verify();
    expect(report).toMatchObject({ sound: true, findings: [] });
    expect(report.logs).toContainEqual(expect.objectContaining({ log, pruned: 256 }));

    const [first] = await home().query<Array<{ entry_id: string }>>(
      'SELECT entry_id FROM audit_entry WHERE log_id = ? ORDER BY sequence LIMIT 1',
      [log],
    );
    const proof = await services.auditReader.proof(undefined, first?.entry_id ?? '');
    const { publicKey } = await services.ledger.signer();
    expect(proof?.index).toBe(256);
    expect(proof && (await faultOfProof(proof, publicKey))).toBeUndefined();
  });

  test('hashes of pruned entries that are not theirs are noticed', async () => {
    await prune(11);
    const [tile] = await home().query<Array<{ hashes: Buffer }>>(
      'SELECT hashes FROM audit_tile WHERE log_id = ? AND level = 0',
      [log],
    );
    const keep = (hashes: Buffer) =>
      home().query('UPDATE audit_tile SET hashes = ? WHERE log_id = ? AND level = 0', [hashes, log]);
    await keep(Buffer.alloc(8192, 1));
    expect((await verify()).findings).toContainEqual(expect.objectContaining({ problem: 'CONTRADICTED', log }));
    await keep(tile?.hashes ?? Buffer.alloc(0));
    expect((await verify()).findings).toEqual([]);
  });

  test('a log that has ended goes to its last entry; what it says of others is said again first', async () => {
    await prune(11);
    await services.ledger.close();
    services = createServices(app.stores);
    await write(1);
    await home().query('UPDATE audit_log SET settled = 1 WHERE log_id = ?', [log]);
    await prune(30);
    expect(await count()).toBe(0);
    expect(await verify()).toMatchObject({ sound: true, findings: [] });
  });

  test('nothing is pruned from a log that was tampered with', async () => {
    const set = (body: Buffer) =>
      home().query('UPDATE audit_entry SET body = ? WHERE log_id = ? AND sequence = 40', [body, log]);
    const [row] = await home().query<Array<{ body: Buffer }>>(
      'SELECT body FROM audit_entry WHERE log_id = ? AND sequence = 40',
      [log],
    );
    await set(Buffer.from('{}'));
    await expect(prune(11)).rejects.toThrow(TamperedLogError);
    expect(await count()).toBeGreaterThan(256);
    await set(row?.body ?? Buffer.alloc(0));
  });

  test('entries that were removed without an entry saying so are missed', async () => {
    await home().query('DELETE FROM audit_entry WHERE log_id = ? AND sequence < 256', [log]);
    await home().query('UPDATE audit_log SET pruned = 256 WHERE log_id = ?', [log]);
    const { findings } = await verify();
    expect(findings).toEqual([expect.objectContaining({ problem: 'MISSING', log, sequence: 0 })]);
    expect(findings[0]?.message).toContain('no entry says that they were pruned');
  });
});
