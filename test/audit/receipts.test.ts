import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { verifyLedger } from '../../src/audit/verification/verification';
import { anchorLine, readAnchors } from '../../src/audit/witness/anchor-file';
import { Anchoring } from '../../src/audit/witness/anchors';
import type { Trust } from '../../src/audit/witness/receipts';
import { allReceipts } from '../../src/audit/witness/stored-receipts';
import { timestampAnchor } from '../../src/audit/witness/timestamp';
import { checkTimestamp } from '../../src/audit/witness/timestamp-token';
import { witnessAnchor } from '../../src/audit/witness/witness';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { serve, timestampAuthority, witness } from './outside';

const folder = mkdtempSync(join(tmpdir(), 'remit-receipts-'));
const tsa = timestampAuthority(join(folder, 'tsa'));
const other = timestampAuthority(join(folder, 'other'));
const { handler, key } = witness();
const none: Trust = { witnesses: [], authorities: [] };
const full: Trust = { witnesses: [key], authorities: tsa ? [new X509Certificate(tsa.authority)] : [] };

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  readonly tree_size: number;
  readonly kind: 'witness' | 'timestamp';
  readonly receipt: Buffer;
}

describe.each(databases)('receipts of anchors on $name (statement G1)', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let source: DataSource;
  let rows: Row[];
  let log: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    source = app.stores.regions.home;
    const outside = await serve(handler);
    const stamping = tsa && (await serve(tsa.handler));
    const failures: unknown[] = [];
    const { recorder, ledger } = app.services;
    const anchors = [witnessAnchor(outside.url, key), ...(stamping ? [timestampAnchor(stamping.url)] : [])];
    const anchoring = new Anchoring(ledger, anchors, (error) => failures.push(error));
    for (let times = 0; times < 2; times++) {
      await recorder.record('GRANT_GIVEN', { principal: 'test' });
      await recorder.record('GRANT_GIVEN', { principal: 'test' });
      await anchoring.run();
    }
    await anchoring.run();
    await recorder.record('GRANT_GIVEN', { principal: 'test' });
    await ledger.close();
    outside.close();
    stamping?.close();
    expect(failures).toEqual([]);
    log = (await ledger.heads())[0]?.logId ?? '';
    rows = await source.query('SELECT tree_size, kind, receipt FROM audit_anchor ORDER BY kind, tree_size');
  });

  afterEach(async () => {
    await source.query('DELETE FROM audit_anchor');
    for (const { tree_size: size, kind, receipt } of rows) await insert(size, kind, receipt);
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const insert = (size: number, kind: string, receipt: Buffer) =>
    source.query('INSERT INTO audit_anchor (log_id, tree_size, kind, anchored_at, receipt) VALUES (?, ?, ?, 0, ?)', [
      log,
      size,
      kind,
      receipt,
    ]);

  const replace = (size: number, kind: string, receipt: Buffer) =>
    source.query('UPDATE audit_anchor SET receipt = ? WHERE tree_size = ? AND kind = ?', [receipt, size, kind]);

  const receiptOf = (kind: string, size: number): Buffer =>
    Buffer.from(rows.find((row) => row.kind === kind && Number(row.tree_size) === size)?.receipt ?? '');

  const publicKey = async () => (await app.services.ledger.signer()).publicKey;

  const verify = async (trust: Trust, anchored: Awaited<ReturnType<typeof readAnchors>> = []) =>
    verifyLedger([source], { publicKey: await publicKey(), witnessed: [], anchored, trust });

  async function exported(): Promise<string> {
    let text = '';
    for await (const { at, checkpoint, ...receipt } of allReceipts(source)) {
      text += anchorLine(at, checkpoint ?? '', receipt);
    }
    return text;
  }

  test('each is checked against the checkpoint that it is of, and the report says by what and how', async () => {
    const { sound, logs } = await verify(full);
    expect(sound).toBe(true);
    expect(logs[0]).toMatchObject({ size: 6, anchoredTo: 5 });
    expect(logs[0]?.anchors).toEqual([
      ...(tsa
        ? [
            {
              by: 'time stamp by CN=Test time-stamping authority',
              how: 'its signature holds, under a certificate given',
              verified: true,
              receipts: 2,
              reaches: 5,
              last: expect.stringMatching(/^\d{4}-/),
            },
          ]
        : []),
      {
        by: 'witness witness.example',
        how: 'its signature holds',
        verified: true,
        receipts: 2,
        reaches: 5,
        last: expect.stringMatching(/^\d{4}-/),
      },
    ]);
  });

  test('what nobody is trusted for anchors nothing, and is said not to be checked', async () => {
    const { sound, logs } = await verify(none);
    expect(sound).toBe(true);
    expect(logs[0]?.anchoredTo).toBeNull();
    const how = logs[0]?.anchors.map((anchor) => anchor.how);
    expect(how).toContain('signature not checked: no key of a witness is given');
    if (tsa) expect(how).toContain('its signature holds; whose the certificate is was not checked: none is given');
  });

  test('a witness’s receipt that was tampered with is named', async () => {
    const receipt = receiptOf('witness', 3);
    const at = receipt.lastIndexOf('\n', receipt.length - 2) + 60;
    receipt[at] = receipt[at] === 0x41 ? 0x42 : 0x41;
    await replace(3, 'witness', receipt);
    const { sound, findings, logs } = await verify(full);
    expect(sound).toBe(false);
    expect(findings).toEqual([
      {
        problem: 'RECEIPT',
        log,
        sequence: 2,
        entry: expect.any(String),
        message:
          'the receipt of a witness for the first 3 entries does not hold: no key of a witness that is known signed it',
      },
    ]);
    expect(logs[0]?.anchors.find(({ by }) => by.startsWith('witness'))?.receipts).toBe(1);
  });

  test('a receipt that stands at another place than it was given for is named', async () => {
    await replace(3, 'witness', receiptOf('witness', 5));
    if (tsa) await replace(5, 'timestamp', receiptOf('timestamp', 3));
    const { findings } = await verify(full);
    expect(findings).toContainEqual(
      expect.objectContaining({
        problem: 'RECEIPT',
        sequence: 2,
        message: expect.stringContaining('another checkpoint'),
      }),
    );
    if (!tsa) return;
    const message = expect.stringContaining('a timestamp for the first 5 entries does not hold: it is of other bytes');
    expect(findings).toContainEqual(expect.objectContaining({ problem: 'RECEIPT', sequence: 4, message }));
  });

  test('another’s signature is not the witness’s, nor another’s time stamp the authority’s', async () => {
    const { findings } = await verify({ witnesses: [witness('other.example').key], authorities: full.authorities });
    expect(findings.map(({ problem, sequence }) => [problem, sequence])).toEqual([
      ['RECEIPT', 2],
      ['RECEIPT', 4],
    ]);
    if (!tsa || !other) return;
    const foreign = await verify({ witnesses: [key], authorities: [new X509Certificate(other.authority)] });
    expect(foreign.findings.map(({ message }) => message.split(': ')[1])).toEqual([
      'its certificate is under none of those given',
      'its certificate is under none of those given',
    ]);
  });

  test('no byte of a time stamp that says something can be another', async () => {
    if (!tsa) return;
    const token = receiptOf('timestamp', 5);
    const [row] = await source.query<Array<{ checkpoint: string }>>(
      'SELECT checkpoint FROM audit_entry WHERE log_id = ? AND sequence = 4',
      [log],
    );
    const note = Buffer.from(row?.checkpoint ?? '');
    const said = checkTimestamp(token, note, full.authorities);
    expect(said.trusted).toBe(true);
    const accepted: unknown[] = [];
    for (let at = 0; at < token.length; at += 3) {
      const changed = Buffer.from(token);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      try {
        accepted.push(checkTimestamp(changed, note, full.authorities));
      } catch {
        // Refused, as most must be.
      }
    }
    // Its status, and what else no signature covers, may change; what it says may not.
    for (const one of accepted) expect(one).toEqual(said);
    expect(accepted.length).toBeLessThan((token.length / 3) * 0.1);
    expect(() => checkTimestamp(token, Buffer.from('another note'), [])).toThrow('of other bytes');
  });

  test('entries that were cut off are missed by a receipt that was given for them', async () => {
    await insert(9, 'witness', receiptOf('witness', 5));
    const { findings } = await verify(none);
    expect(findings).toEqual([expect.objectContaining({ problem: 'MISSING', sequence: 6 })]);
    expect(findings[0]?.message).toBe('entries 6 to 8 are missing: the giver of a receipt saw 9');
  });

  test('receipts that were exported are held against the ledger, and tampering with them is named', async () => {
    const text = await exported();
    const anchored = await readAnchors(text, 'kept', await publicKey(), full);
    expect(anchored).toHaveLength(rows.length);
    await source.query('DELETE FROM audit_anchor');
    const { sound, logs } = await verify(none, anchored);
    expect(sound).toBe(true);
    expect(logs[0]).toMatchObject({ anchoredTo: 5 });
    expect(logs[0]?.anchors.map(({ by }) => by)).toContain('kept: witness witness.example');

    const lines = text.split('\n');
    const at = lines.findIndex((line) => line.includes('"kind":"witness"'));
    lines[at] = lines[at]?.replace(/(witness\.example .{60})./, '$1!') ?? '';
    await expect(readAnchors(lines.join('\n'), 'kept', await publicKey(), full)).rejects.toThrow(
      `kept, line ${at + 1}: the receipt does not hold: no key of a witness`,
    );
    if (!tsa) return;
    const stamped = text.split('\n');
    const one = stamped.findIndex((line) => line.includes('"kind":"timestamp"'));
    const { token, ...rest } = JSON.parse(stamped[one] ?? '');
    const forged = Buffer.from(token, 'base64');
    forged[forged.length - 9] = (forged.at(-9) ?? 0) ^ 1;
    stamped[one] = JSON.stringify({ ...rest, token: forged.toString('base64') });
    await expect(readAnchors(stamped.join('\n'), 'kept', await publicKey(), full)).rejects.toThrow(
      `kept, line ${one + 1}: the receipt does not hold: its signature does not hold`,
    );
  });
});
