import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../support/root';

jest.setTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), 'remit-log-'));
const children: ReturnType<typeof spawn>[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

let pipes = 0;
/** Both ends of a pipe of which the reader is held here. */
function pipe(): { read: number; write: number } {
  const path = join(folder, `log-${pipes++}`);
  execFileSync('mkfifo', [path]);
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { read, write: openSync(path, constants.O_WRONLY) };
}

function readAll(fd: number): string {
  const buffer = Buffer.alloc(1 << 20);
  try {
    return buffer.subarray(0, readSync(fd, buffer)).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}

async function serve(words: readonly string[], stdout: number): Promise<{ child: ReturnType<typeof spawn> }> {
  const child = spawn(process.execPath, [join(root, 'dist/src/main.js'), 'serve', ...words], {
    cwd: mkdtempSync(join(folder, 'served-')),
    env: { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'debug' },
    stdio: ['ignore', stdout, 'pipe'],
  });
  children.push(child);
  return { child };
}

async function listening(read: number): Promise<{ url: string; log: string }> {
  let log = '';
  for (let tries = 0; tries < 1_500; tries++) {
    log += readAll(read);
    const [, url] = /listening on (http:\/\/[\d.:]+)\/graphql/.exec(log) ?? [];
    if (url !== undefined) return { url, log };
    await sleep(20);
  }
  throw new Error(`it never listened: ${log}`);
}

/** More lines than a pipe takes. */
async function fill(url: string): Promise<void> {
  for (let batch = 0; batch < 16; batch++) {
    await Promise.all(
      Array.from({ length: 25 }, async () => {
        const answer = await fetch(`${url}/healthz`);
        expect(answer.status).toBe(200);
      }),
    );
  }
}

describe.each([
  ['one process', []],
  ['two workers', ['--workers', '2']],
])('SIGTERM ends %s', (_, words) => {
  it('whose log nobody reads any more, and who goes on serving until then', async () => {
    const { read, write } = pipe();
    const { child } = await serve(words, write);
    closeSync(write);
    const { url } = await listening(read);
    await fill(url);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    closeSync(read);
  });

  it('whose log’s reader is gone', async () => {
    const { read, write } = pipe();
    const { child } = await serve(words, write);
    closeSync(write);
    const { url } = await listening(read);
    closeSync(read);
    await fill(url);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('whose log’s reader has just gone', async () => {
    const { read, write } = pipe();
    const { child } = await serve(words, write);
    closeSync(write);
    await listening(read);
    closeSync(read);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('whose log is read, to its last line', async () => {
    const { read, write } = pipe();
    const { child } = await serve(words, write);
    closeSync(write);
    await listening(read);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(readAll(read)).toMatch(/"msg":"shut down"\}\n$/);
    closeSync(read);
  });
});
