import {
  CheckpointSigner,
  isSigned,
  parseCheckpoint,
  readPublicKey,
  signedCheckpointNote,
  verifierKey,
} from '../../src/audit/log/checkpoint';

const seed = Buffer.alloc(32, 5);
const signer = new CheckpointSigner(seed);
const checkpoint = { origin: 'remit.example/audit/1', size: 42, root: Buffer.alloc(32, 9) };

describe('checkpoints by C2SP tlog-checkpoint', () => {
  const note = signedCheckpointNote(checkpoint, [signer]);

  test('are signed notes: origin, size, root, a blank line, signatures', () => {
    expect(note).toMatch(/^remit\.example\/audit\/1\n42\n[\w+/]{43}=\n\n— remit\.example\/audit\/1 [\w+/]{91}=\n$/);
    expect(parseCheckpoint(note)).toEqual(checkpoint);
  });

  test('hold under the key that signed them, and no other', async () => {
    expect(await isSigned(note, signer.publicKey)).toBe(true);
    expect(await isSigned(note, new CheckpointSigner(Buffer.alloc(32, 6)).publicKey)).toBe(false);
    expect(await isSigned(note.replace('\n42\n', '\n43\n'), signer.publicKey)).toBe(false);
  });

  test('may carry the signatures of witnesses', async () => {
    const witness = `— witness.example ${Buffer.alloc(76, 1).toString('base64')}\n`;
    expect(await isSigned(note + witness, signer.publicKey)).toBe(true);
    expect(parseCheckpoint(note + witness)).toEqual(checkpoint);
  });

  test('the key is read in every form that an outsider may have it in', () => {
    const named = verifierKey(checkpoint.origin, signer.publicKey);
    expect(named).toMatch(/^remit\.example\/audit\/1\+[0-9a-f]{8}\+AQ?[\w+/]+=*$/);
    for (const text of [named, signer.publicKey.toString('base64'), signer.publicKey.toString('hex')]) {
      expect(readPublicKey(`${text}\n`)).toEqual(signer.publicKey);
    }
    expect(() => readPublicKey('not a key')).toThrow('Ed25519');
  });

  // The example of C2SP's signed-note and of Go's golang.org/x/mod/sumdb/note.
  test('key ids are those of other implementations', () => {
    const peterNeumann = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const key = readPublicKey(peterNeumann);
    expect(verifierKey('PeterNeumann', key)).toBe(peterNeumann);
  });

  test.each(['', 'origin\n42\n', 'origin\nforty\n AAAA\n\n— a b\n', 'origin\n042\nAAAA\n\n— a b\n'])(
    'what is no checkpoint is refused: %j',
    (text) => {
      expect(() => parseCheckpoint(text)).toThrow('not a checkpoint');
    },
  );
});
