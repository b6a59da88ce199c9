import { readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError } from '../failure';

/** A running demo writes the addresses of its stores here, beside the key that signs its tokens. */
const file = './data/demo.json';

interface Announcement {
  readonly process: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** Writes where the data of this process's demo is. */
export async function announceDemo(environment: Readonly<Record<string, string>>): Promise<void> {
  const announcement: Announcement = { process: process.pid, environment };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${JSON.stringify(announcement)}\n`, { mode: 0o600 });
}

/** Removes what {@link announceDemo} wrote. Synchronous, for use in a signal handler. */
export function forgetDemo(): void {
  if (announced()?.process === process.pid) rmSync(file, { force: true });
}

/**
 * Makes this process use the stores of the demo that runs in this folder.
 * @throws {CommandError} when no demo runs
 */
export function joinDemo(): void {
  const announcement = announced();
  if (!announcement || !isRunning(announcement.process)) {
    throw new CommandError('--demo: no demo runs in this folder; start one with: npm run demo', 2);
  }
  Object.assign(process.env, announcement.environment);
}

function announced(): Announcement | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Announcement;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
