import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogOutput } from '../../src/gateway/log-output';

const folder = mkdtempSync(join(tmpdir(), 'remit-output-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function pipe(): { read: number; write: number } {
  const path = join(folder, 'pipe');
  rmSync(path, { force: true });
  execFileSync('mkfifo', [path]);
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { read, write: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}

function readUpTo(fd: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  try {
    return buffer.subarray(0, readSync(fd, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return Buffer.alloc(0);
    throw error;
  }
}

describe.each([
  ['shared with others', true],
  ['of one process alone', false],
])('a pipe %s', (_, isShared) => {
  it('gets every line whole and in order, however slowly it is read', async () => {
    const { read, write } = pipe();
    const output = new LogOutput(write, () => isShared);
    // Characters of three bytes: a piece that is written in part mostly ends within one.
    const lines = Array.from({ length: 600 }, (_, number) => `${number} ${'—'.repeat(50 + (number % 300))}\n`);
    for (const line of lines) output.write(line);
    const expected = Buffer.from(lines.join(''));
    const got: Buffer[] = [];
    const length = () => got.reduce((sum, each) => sum + each.length, 0);
    for (let tries = 0; tries < 3_000 && length() < expected.length; tries++) {
      got.push(readUpTo(read, 10_007));
      await sleep(1);
    }
    expect(Buffer.concat(got).equals(expected)).toBe(true);
    closeSync(read);
    closeSync(write);
  });
});
