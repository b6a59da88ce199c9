import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readTimestampResponse, TimestampError } from '../../src/audit/witness/timestamp-response';
import { checkTimestamp } from '../../src/audit/witness/timestamp-token';
import { timestampAuthority } from './outside';

const folder = mkdtempSync(join(tmpdir(), 'remit-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tsa = timestampAuthority(folder);

const stamped = Buffer.from('remit/audit/log\n5\nroot\n\n');
const imprint = createHash('sha256').update(stamped).digest();
/** A TimeStampReq for {@link stamped} that asks for the certificate. */
const query = Buffer.concat([Buffer.from('30360201013031300d060960864801650304020105000420', 'hex'), imprint]);
query[1] = query.length + 1;
const request = Buffer.concat([query, Buffer.from('0101ff', 'hex')]);

/** Changes of a text of bytes: some replaced, some cut out, some put in. */
const mutation = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    remove: fc.nat({ max: 4 }),
    insert: fc.uint8Array({ maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutated(bytes: Buffer, changes: ReadonlyArray<{ at: number; remove: number; insert: Uint8Array }>): Buffer {
  let result = bytes;
  for (const { at, remove, insert } of changes) {
    const place = Math.floor(at * result.length);
    result = Buffer.concat([result.subarray(0, place), insert, result.subarray(place + remove)]);
  }
  return result;
}

/** What a response is found to say, or the error; any other error than the reader's own fails the test. */
function outcome(response: Buffer, authorities: X509Certificate[]) {
  try {
    return checkTimestamp(response, stamped, authorities);
  } catch (error) {
    expect(error).toBeInstanceOf(TimestampError);
    return undefined;
  }
}

describe('a time stamp from a hostile authority (statement G1)', () => {
  const response = tsa?.handler(request).body as Buffer;
  const authorities = tsa ? [new X509Certificate(tsa.authority)] : [];

  test('the token itself holds', () => {
    if (!tsa) return;
    expect(outcome(response, authorities)).toMatchObject({ trusted: true });
  });

  test('however its bytes are changed, it says the same or is refused with the one error', () => {
    if (!tsa) return;
    const sound = outcome(response, authorities);
    fc.assert(
      fc.property(mutation, (changes) => {
        const found = outcome(mutated(response, changes), authorities);
        // What no signature covers may be another; what a time stamp says may not.
        if (found) expect(found).toEqual(sound);
      }),
      { numRuns: 1_000 },
    );
  });

  test('no length or tag in it, whatever it becomes, is read as another time stamp', () => {
    if (!tsa) return;
    const sound = outcome(response, authorities);
    fc.assert(
      fc.property(fc.nat({ max: response.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = Buffer.from(response);
        changed[at] = byte;
        const found = outcome(changed, authorities);
        if (found) expect(found).toEqual(sound);
      }),
      { numRuns: 1_000 },
    );
  });

  test('what is cut off is refused', () => {
    if (!tsa) return;
    for (let length = 0; length < response.length; length++) {
      expect(outcome(response.subarray(0, length), authorities)).toBeUndefined();
    }
  });

  test('bytes of any kind are read, or refused with the one error', () => {
    const read = (bytes: Uint8Array) => {
      try {
        readTimestampResponse(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(TimestampError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), read), { numRuns: 1_000 });
    // Sequences within sequences, and lengths that promise more than there is.
    for (const nested of [5_000, 50_000]) read(Buffer.alloc(nested, Buffer.from('3080', 'hex')));
    read(Buffer.from('3084ffffffff', 'hex'));
  });
});
