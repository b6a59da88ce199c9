import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { canonical } from '../../src/audit/log/canonical';
import { originOf, signedCheckpointNote } from '../../src/audit/log/checkpoint';
import { keptHeads, type Witnessed } from '../../src/audit/log/checkpoint-store';
import { type EntryRow, entryColumns } from '../../src/audit/log/entry';
import { GrowingTree, hashLeaf } from '../../src/audit/log/merkle';
import { GAP_ACKNOWLEDGED } from '../../src/audit/verification/gaps';
import { type Verification, verifyLedger } from '../../src/audit/verification/verification';
import { appendAnchors, readAnchors } from '../../src/audit/witness/anchor-file';
import { createServices } from '../../src/services';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const GROUPS = 6;
const PER_GROUP = 5;
/** The log's opening stands before them. */
const SIZE = GROUPS * PER_GROUP + 1;

describe.each(databases)('tampering with the ledger on $name (statement G1)', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let source: DataSource;
  let folder: string;
  let rows: EntryRow[];
  let log: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    source = app.stores.regions.home;
    folder = mkdtempSync(join(tmpdir(), 'remit-anchor-'));
    const { recorder, ledger } = app.services;
    for (let group = 0; group < GROUPS; group++) {
      const changes = Array.from({ length: PER_GROUP }, (_, index) =>
        recorder.record('GRANT_GIVEN', { principal: 'test', details: { number: group * PER_GROUP + index } }),
      );
      await Promise.all(changes);
    }
    await ledger.close();
    rows = await read();
    log = rows[0]?.log_id ?? '';
    await appendAnchors(join(folder, 'anchors'), [rows.at(-1)?.checkpoint ?? '']);
  });

  afterEach(async () => {
    await source.query('DELETE FROM audit_entry');
    for (const row of rows) await insert(row);
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const read = () => source.query<EntryRow[]>(`SELECT ${entryColumns} FROM audit_entry ORDER BY log_id, sequence`);

  async function insert(row: EntryRow): Promise<void> {
    await source.query(`INSERT INTO audit_entry (${entryColumns}) VALUES (?, ?, ?, ?, ?, ?, ?)`, [
      row.log_id,
      row.sequence,
      row.entry_id,
      row.about_client,
      row.body,
      row.leaf_hash,
      row.checkpoint,
    ]);
  }

  const publicKey = async () => (await app.services.ledger.signer()).publicKey;

  async function verify(seen: { heads?: boolean; anchor?: boolean } = { heads: true }): Promise<Verification> {
    const key = await publicKey();
    const witnessed: Witnessed[] = seen.heads ? (await keptHeads(app.stores.keysSource, key)).heads : [];
    const anchored = seen.anchor
      ? await readAnchors(readFileSync(join(folder, 'anchors'), 'utf8'), 'anchors', key)
      : [];
    return verifyLedger([source], { publicKey: key, witnessed, anchored });
  }

  const set = (sequence: number, column: string, value: string | Buffer | null) =>
    source.query(`UPDATE audit_entry SET ${column} = ? WHERE sequence = ?`, [value, sequence]);

  /** As an attacker would who knows how entries are hashed, but has no key. */
  const rewritten = (row: EntryRow | undefined, number: number) => {
    const body = Buffer.from(String(row?.body).replace(/"number":\d+/, `"number":${number}`));
    return { body, hash: hashLeaf(body).toString('base64url') };
  };

  test('what nobody touched is sound, and says what is anchored', async () => {
    const plain = await verify();
    expect(plain).toMatchObject({ sound: true, entries: SIZE, findings: [] });
    expect(plain.logs).toEqual([
      { log, size: SIZE, pruned: 0, root: expect.any(String), anchoredTo: null, anchors: [] },
    ]);
    expect(plain.checkpoints).toBe(rows.filter(({ checkpoint }) => checkpoint !== null).length);
    const anchored = await verify({ anchor: true });
    expect(anchored).toMatchObject({ sound: true, logs: [{ anchoredTo: SIZE }] });
  });

  test('a changed byte is named', async () => {
    const body = Buffer.from(rows[12]?.body ?? '');
    body[body.indexOf('GRANT_GIVEN')] = 0x58;
    await set(12, 'body', body);
    expect((await verify({})).findings).toEqual([
      expect.objectContaining({ problem: 'ALTERED', log, sequence: 12, entry: rows[12]?.entry_id }),
    ]);
  });

  test('an entry rewritten with its hash is named by the group that was signed', async () => {
    const { body, hash } = rewritten(rows[12], 99);
    await set(12, 'body', body);
    await set(12, 'leaf_hash', hash);
    const [first, ...more] = (await verify({})).findings;
    const signed = rows.findIndex(({ checkpoint }, index) => index >= 12 && checkpoint !== null);
    expect(first).toMatchObject({ problem: 'CONTRADICTED', log, entry: rows[signed]?.entry_id });
    expect(first?.sequence).toBeLessThanOrEqual(12);
    expect(signed - (first?.sequence ?? 0)).toBeLessThan(PER_GROUP);
    expect(more).toEqual([]);
  });

  test.each([
    ['about_client', () => 'somebody-else'],
    ['entry_id', () => rows[8]?.entry_id.replace(/.$/, '-') ?? ''],
  ])('a column %s that says something else than the entry is named', async (column, value) => {
    await set(7, column, value());
    expect((await verify({})).findings).toEqual([expect.objectContaining({ problem: 'ALTERED', sequence: 7 })]);
  });

  test('a deleted row is named', async () => {
    await source.query('DELETE FROM audit_entry WHERE sequence = 9');
    const { findings } = await verify({});
    expect(findings).toEqual([expect.objectContaining({ problem: 'MISSING', log, sequence: 9 })]);
    expect(findings[0]?.message).toBe('entry 9 is missing');
  });

  test('two swapped rows are named', async () => {
    const [one, two] = [rows[4], rows[20]];
    for (const [at, row] of [
      [4, two],
      [20, one],
    ] as const) {
      await set(at, 'body', row?.body ?? null);
      await set(at, 'leaf_hash', row?.leaf_hash ?? null);
    }
    const reordered = (await verify({})).findings.filter(({ problem }) => problem === 'REORDERED');
    expect(reordered.map(({ sequence }) => sequence)).toEqual([4, 20]);
    expect(reordered[0]?.message).toBe(`entry 20 of log ${log} stands here`);
  });

  test('two rows whose numbers were swapped are named', async () => {
    await set(4, 'sequence', '1000');
    await set(20, 'sequence', '4');
    await set(1000, 'sequence', '20');
    const reordered = (await verify({})).findings.filter(({ problem }) => problem === 'REORDERED');
    expect(reordered.map(({ sequence }) => sequence)).toEqual([4, 20]);
  });

  test('a tail that was cut off is named: from within the database amid a group, from the keys’ store anywhere', async () => {
    const boundary = rows.findLastIndex(({ checkpoint }, index) => index < SIZE - 1 && checkpoint !== null) + 1;
    await source.query('DELETE FROM audit_entry WHERE sequence >= ?', [boundary + 1]);
    expect((await verify({})).findings).toContainEqual(
      expect.objectContaining({ problem: 'MISSING', message: expect.stringContaining('cut off') }),
    );
    await source.query('DELETE FROM audit_entry WHERE sequence >= ?', [boundary]);
    const { findings } = await verify({ heads: true });
    expect(findings).toEqual([expect.objectContaining({ problem: 'MISSING', log, sequence: boundary })]);
    expect(findings[0]?.message).toContain(`the keys' store saw ${SIZE}`);
  });

  test('a replaced checkpoint is named, older or forged', async () => {
    const signed = rows.filter(({ checkpoint }) => checkpoint !== null);
    const [older, newer] = [signed[1], signed[2]];
    const at = Number(newer?.sequence);
    await set(at, 'checkpoint', older?.checkpoint ?? null);
    expect((await verify({})).findings).toEqual([expect.objectContaining({ problem: 'CHECKPOINT', sequence: at })]);
    const forged = newer?.checkpoint?.replace(/.{8}=\n$/, (end) =>
      end.startsWith('A') ? `B${end.slice(1)}` : `A${end.slice(1)}`,
    );
    await set(at, 'checkpoint', forged ?? null);
    const { findings } = await verify({});
    expect(findings).toEqual([expect.objectContaining({ problem: 'CHECKPOINT', sequence: at })]);
    expect(findings[0]?.message).toContain('not signed');
  });

  test('a log that was dropped whole is named by the keys’ store, and by the logs after it', async () => {
    await source.query('DELETE FROM audit_entry');
    expect((await verify({ heads: true })).findings).toEqual([
      expect.objectContaining({ problem: 'MISSING', log, sequence: 0 }),
    ]);
    for (const row of rows) await insert(row);

    const later = await openLater();
    try {
      await source.query('DELETE FROM audit_entry WHERE log_id = ?', [log]);
      await source.query('DELETE FROM audit_log WHERE log_id = ?', [log]);
      const { findings } = await verify({});
      expect(findings).toEqual([expect.objectContaining({ problem: 'MISSING', log })]);
      expect(findings[0]?.message).toBe(`the whole log is missing: log ${later} saw ${SIZE} entries of it`);
    } finally {
      await source.query('INSERT INTO audit_log (log_id, opened_at, settled, pruned) VALUES (?, 0, 0, 0)', [log]);
      await source.query('DELETE FROM audit_log WHERE log_id = ?', [later]);
      await app.stores.keysSource.query('DELETE FROM audit_head WHERE log_id = ?', [later]);
    }
  });

  /** Another process writes its first entry. */
  async function openLater(): Promise<string> {
    const { recorder, ledger } = createServices(app.stores);
    await recorder.record('GRANT_GIVEN', { principal: 'later' });
    await ledger.close();
    const [head] = await ledger.heads();
    return head?.logId ?? '';
  }

  test('a log that was rewritten wholly, with the key itself, is contradicted by an anchor', async () => {
    const signer = await app.services.ledger.signer();
    const tree = new GrowingTree();
    for (const row of rows) {
      const body = Buffer.from(canonical({ ...JSON.parse(String(row.body)), purpose: 'REWRITTEN' }));
      tree.append(hashLeaf(body));
      const checkpoint = signedCheckpointNote({ origin: originOf(log), size: tree.size, root: tree.root() }, [signer]);
      await set(Number(row.sequence), 'body', body);
      await set(Number(row.sequence), 'leaf_hash', hashLeaf(body).toString('base64url'));
      await set(Number(row.sequence), 'checkpoint', checkpoint);
    }
    expect((await verify({})).sound).toBe(true);
    for (const seen of [{ anchor: true }, { heads: true }]) {
      const { sound, findings } = await verify(seen);
      expect(sound).toBe(false);
      expect(findings).toEqual([expect.objectContaining({ problem: 'CONTRADICTED', log, sequence: SIZE - 1 })]);
    }
  });

  test('an anchor that this installation did not sign is refused', async () => {
    await expect(readAnchors('{"checkpoint":"nonsense"}\n', 'anchors', await publicKey())).rejects.toThrow(
      'anchors, line 1',
    );
  });

  test('an end that is lost and acknowledged is sound, as long as it is that one and no other', async () => {
    const end = SIZE - PER_GROUP;
    await source.query('DELETE FROM audit_entry WHERE sequence >= ?', [end]);
    const [lost] = (await verify({ heads: true })).findings;
    expect(lost).toMatchObject({ problem: 'MISSING', gap: { log, size: end, seen: SIZE } });
    const { recorder, ledger } = createServices(app.stores);
    await recorder.record(GAP_ACKNOWLEDGED, { principal: 'ann', details: { ...lost?.gap, reason: 'a backup' } });
    await ledger.close();
    expect(await verify({ heads: true, anchor: true })).toMatchObject({
      sound: true,
      findings: [],
      acknowledged: [{ log, size: end, seen: SIZE }],
    });
    // One more, one that is other than it was, and the acknowledgement itself.
    await source.query('DELETE FROM audit_entry WHERE log_id = ? AND sequence = ?', [log, end - 1]);
    expect(await verify({ heads: true })).toMatchObject({ sound: false, acknowledged: [] });
    await insert(rows[end - 1] as EntryRow);
    expect((await verify({ heads: true })).sound).toBe(true);
    await source.query('UPDATE audit_entry SET body = ? WHERE log_id = ? AND sequence = 3', [Buffer.from('{}'), log]);
    expect((await verify({ heads: true })).findings[0]).toMatchObject({ sequence: 3 });
    await source.query('UPDATE audit_entry SET body = ? WHERE log_id = ? AND sequence = 3', [rows[3]?.body, log]);
    await source.query('DELETE FROM audit_entry WHERE log_id <> ?', [log]);
    const { findings } = await verify({ heads: true });
    expect(findings.map(({ log: of }) => of)).toEqual(expect.arrayContaining([log, expect.any(String)]));
  });
});
